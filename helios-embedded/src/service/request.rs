//! What a request asks for beside its statement.

use http::{HeaderMap, Method};
use url::form_urlencoded;

use super::exception::{Code, Exception};

/// The parameters of a request, from its URL, its headers and the fields of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// The `query` parameter.
    pub(crate) query: String,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    /// Settings for this request, in the order given.
    pub(crate) settings: Vec<(String, String)>,
    /// Values of `{name:Type}` in the statement.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) query_id: Option<String>,
    pub(crate) log_comment: Option<String>,
    /// Whether the body is in ClickHouse's compressed frames.
    pub(crate) decompress: bool,
    /// Whether the answer is held back until the statement is done.
    pub(crate) wait_end_of_query: bool,
}

impl Request {
    /// Reads the URL's query and the headers.
    pub(crate) fn read(method: &Method, query: Option<&str>, headers: &HeaderMap) -> Result<Self, Exception> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut request = Self {
            database: header("X-ClickHouse-Database"),
            default_format: header("X-ClickHouse-Format"),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            request.set(&name, &value)?;
        }
        if method == Method::GET && !request.is_read_only() {
            // As on a server: GET changes nothing.
            request.settings.push(("readonly".into(), "2".into()));
        }
        Ok(request)
    }

    /// Whether the request forbids itself everything but reading.
    pub(crate) fn is_read_only(&self) -> bool {
        self.settings.iter().any(|(name, value)| name == "readonly" && value == "1")
    }

    /// Takes one parameter.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Exception> {
        match name {
            "query" => self.query.push_str(value),
            "database" => self.database = Some(value.to_owned()),
            "default_format" => self.default_format = Some(value.to_owned()),
            "query_id" => self.query_id = Some(value.to_owned()).filter(|id| !id.is_empty()),
            "log_comment" => self.log_comment = Some(value.to_owned()),
            "decompress" => self.decompress = is_on(name, value)?,
            "wait_end_of_query" => self.wait_end_of_query = is_on(name, value)?,
            // Answers are never compressed, which a client must accept. Who asks was settled with the connection. The
            // rest tunes a server's buffers and errors.
            "compress" | "user" | "password" | "quota_key" | "buffer_size" | "stacktrace"
            | "session_timeout" | "session_check" | "close_session" => {}
            "session_id" | "role" if value.is_empty() => {}
            "client_protocol_version" if value.is_empty() || value == "0" => {}
            "session_id" | "role" | "client_protocol_version" => {
                return Err(Exception::new(
                    Code::NotImplemented,
                    format!("`{name}` is not supported by the embedded engine"),
                ));
            }
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value.to_owned())),
                None if is_setting_name(name) => self.settings.push((name.to_owned(), value.to_owned())),
                None => {
                    return Err(Exception::new(Code::UnknownSetting, format!("Unknown setting '{name}'")));
                }
            },
        }
        Ok(())
    }

    /// The format of results that do not name their own.
    pub(crate) fn default_format(&self) -> Result<&str, Exception> {
        match self.default_format.as_deref() {
            None | Some("") => Ok("TabSeparated"),
            Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => Ok(name),
            Some(name) => Err(Exception::new(Code::UnknownFormat, format!("Unknown format {name}"))),
        }
    }
}

fn is_on(name: &str, value: &str) -> Result<bool, Exception> {
    match value {
        "1" | "true" => Ok(true),
        "" | "0" | "false" => Ok(false),
        other => Err(Exception::new(Code::BadArguments, format!("`{name}` must be 0 or 1, not '{other}'"))),
    }
}

fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
