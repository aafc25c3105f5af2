//! What a file of cases says.

use std::{fs, path::Path};

use helios_core::{HeliosClient, HeliosConfig, ResultFormat};
use helios_tests::Lab;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    face::{Failure, Outcome},
    pattern,
};

/// A file of cases, run in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    #[serde(skip)]
    pub(super) name: String,
    /// For the reader.
    #[serde(rename = "about")]
    _about: String,
    /// Whether AWS checks keys and permissions.
    #[serde(default)]
    pub(super) guarded: bool,
    #[serde(default)]
    setup: Setup,
    pub(super) cases: Vec<Case>,
}

/// What is there before any case.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Setup {
    sql: Vec<String>,
    streams: Vec<StreamSetup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamSetup {
    name: String,
    shards: i32,
    #[serde(default)]
    events: Vec<Value>,
}

/// One call, and what comes of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) operation: String,
    /// As the HTTP body has them.
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    /// A [pattern](super::pattern).
    pub(super) answer: Option<Value>,
    error: Option<ExpectedError>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedError {
    code: String,
    /// What its text holds.
    #[serde(default)]
    says: Vec<String>,
    server_code: Option<u32>,
    /// Whatever it is, if the case does not say.
    server_error_name: Option<String>,
    /// Where in the SQL text it is: `{"offset", "line", "column"}`.
    position: Option<Value>,
    aws_code: Option<String>,
    #[serde(default)]
    retryable: bool,
}

impl CaseFile {
    /// All files, by name.
    pub(super) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let mut files: Vec<Self> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = fs::read(&path).unwrap();
                let file: Self =
                    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                Self { name, ..file }
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    pub(super) async fn set_up(&self, lab: &Lab) {
        let client = client(lab);
        for sql in &self.setup.sql {
            client.warehouse().execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        for stream in &self.setup.streams {
            lab.account().create_stream(&stream.name, stream.shards).await.unwrap();
            let events = stream.events.iter().enumerate().map(|(index, event)| {
                let bytes = match event {
                    Value::String(raw) => raw.clone(),
                    json => json.to_string(),
                };
                (format!("key-{index}"), bytes)
            });
            lab.account().put_events(&stream.name, events).await.unwrap();
        }
    }
}

/// A client of the lab's engine and account, as every face has one.
pub(super) fn client(lab: &Lab) -> HeliosClient {
    let settings = lab.client_environment();
    let settings = settings
        .iter()
        .map(|(name, value)| (name.strip_prefix("HELIOS_").unwrap().to_ascii_lowercase(), value.as_str()));
    HeliosClient::from_config(HeliosConfig::from_map(settings).unwrap()).unwrap()
}

/// What stands for `${name}` in a case, `${query}` beside them being its own query.
pub(super) struct Variables(Vec<(&'static str, String)>);

impl Variables {
    pub(super) async fn new(lab: &Lab) -> Self {
        let account = lab.account();
        // Somebody with good keys and no permission; without a guard everybody may do everything.
        let nobody = account.create_user("nobody", None).await.unwrap();
        Self(vec![
            ("account", account.id().to_owned()),
            ("secret", account.secret_key().to_owned()),
            ("region", account.region().to_owned()),
            ("nobody", nobody.id),
            ("nobodysSecret", nobody.secret),
        ])
    }

    /// The case, with every variable's value in its place.
    pub(super) fn fill(&self, case: &Case) -> Case {
        let query = case.arguments.get("query").and_then(Value::as_str).unwrap_or_default();
        let fill = |text: &str| {
            let own = text.replace("${query}", query);
            self.0.iter().fold(own, |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
        };
        Case {
            arguments: case
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), map_texts(value, &fill)))
                .collect(),
            answer: case.answer.as_ref().map(|answer| map_texts(answer, &fill)),
            error: case.error.clone().map(|error| ExpectedError {
                says: error.says.iter().map(|text| fill(text)).collect(),
                ..error
            }),
            ..case.clone()
        }
    }
}

fn map_texts(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, fill)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (fill(name), map_texts(field, fill))).collect()
        }
        other => other.clone(),
    }
}

/// The form of the operations `query_csv` and so on, whose answer is the bytes of a result in hexadecimal digits.
pub(super) fn format_of(operation: &str) -> Option<ResultFormat> {
    let name = operation.strip_prefix("query_")?;
    ResultFormat::ALL.into_iter().find(|format| format.as_str() == name)
}

/// Bytes in hexadecimal digits.
pub(super) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Case {
    /// A call of which only the outcome matters.
    pub(super) fn new(operation: &str, arguments: Value) -> Self {
        let Value::Object(arguments) = arguments else { panic!("{arguments} is no object") };
        let name = operation.to_owned();
        Self { operation: name.clone(), name, arguments, answer: None, error: None }
    }

    /// Splits the arguments into the one that stands alone in most languages, the SQL or the stream, and the options.
    pub(super) fn split(&self) -> (String, Map<String, Value>) {
        let subject = match self.operation.as_str() {
            "query" | "stop_query" => "query",
            operation if format_of(operation).is_some() => "query",
            "kinesis_sample" => "streamName",
            _ => return (String::new(), self.arguments.clone()),
        };
        let mut options = self.arguments.clone();
        let text = options.remove(subject).and_then(|text| text.as_str().map(str::to_owned));
        (text.unwrap_or_else(|| panic!("{} has no {subject}", self.name)), options)
    }

    /// Compares what came with what was expected.
    pub(super) fn check(&self, outcome: &Outcome) -> Result<(), String> {
        match (&self.answer, &self.error, outcome) {
            (Some(pattern), None, Ok(answer)) => pattern::compare(pattern, answer),
            (None, Some(expected), Err(failure)) => expected.check(failure),
            (Some(_), None, Err(failure)) => Err(format!("failed: {failure:?}")),
            (None, Some(expected), Ok(answer)) => {
                Err(format!("answered instead of {}: {answer}", expected.code))
            }
            _ => Err("a case has either an answer or an error".to_owned()),
        }
    }
}

impl ExpectedError {
    fn check(&self, failure: &Failure) -> Result<(), String> {
        let found = (&failure.code, failure.server_code, &failure.aws_code, failure.retryable);
        let expected = (&self.code, self.server_code, &self.aws_code, self.retryable);
        if found != expected {
            return Err(format!("is {found:?} instead of {expected:?}: {}", failure.error));
        }
        if failure.server_error_name.is_some() != failure.server_code.is_some()
            || self.server_error_name.is_some() && failure.server_error_name != self.server_error_name
        {
            let (found, expected) = (&failure.server_error_name, &self.server_error_name);
            return Err(format!("has the name {found:?} instead of {expected:?}: {}", failure.error));
        }
        if failure.position.as_deref() != self.position.as_ref() {
            let (found, expected) = (&failure.position, &self.position);
            return Err(format!("is at {found:?} instead of {expected:?}: {}", failure.error));
        }
        match self.says.iter().find(|text| !failure.error.contains(*text)) {
            Some(text) => Err(format!("does not say `{text}`: {}", failure.error)),
            None => Ok(()),
        }
    }
}
