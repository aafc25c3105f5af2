//! Requests sent as a form, as clients do for server-side parameters.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, header};

use super::{
    exception::{Code, Exception},
    request::Request,
};

/// What separates the fields, if the body is a form.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

/// Takes every field as a parameter of the request.
pub(crate) async fn read(request: &mut Request, body: Bytes, boundary: String) -> Result<(), Exception> {
    let body = futures_util::stream::once(async { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(body, boundary);
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            return Err(Exception::new(
                Code::NotImplemented,
                format!("The external table `{name}` is not supported by the embedded engine"),
            ));
        }
        let value = field.bytes().await.map_err(malformed)?;
        let value = str::from_utf8(&value).map_err(|_| {
            Exception::new(Code::BadArguments, format!("The form's field `{name}` is not UTF-8"))
        })?;
        request.set(&name, value)?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn malformed(error: multer::Error) -> Exception {
    Exception::new(Code::BadArguments, format!("The form is malformed: {error}"))
}
