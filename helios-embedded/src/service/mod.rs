//! ClickHouse's HTTP interface, over the engine.

mod compression;
mod exception;
mod form;
mod input;
mod insert;
mod job;
mod judge;
mod kill;
mod query;
mod request;
mod response;
mod rows;
mod session;
mod statement;
mod values;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Weak},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use hyper::{Response, body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

pub(crate) use self::exception::{Code, Exception};
use self::{
    input::{Input, TEXT_LIMIT, too_long},
    judge::Judge,
    kill::Kill,
    request::Request,
    response::{Answer, AnswerBody, Head, failure, plain},
    session::Session,
    statement::Statement,
};
use crate::{
    access::Access,
    engine::Kept,
    error::Error,
    exit,
    wire::{ServiceEnd, Wire},
};

/// How much of a body is read at first to find where the data of an `INSERT` begin.
const FIRST_LOOK: usize = 64 * 1024;

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Service {
    engine: Weak<Kept>,
    wire: Arc<Wire>,
    /// Who may ask; `None` for this process itself.
    access: Option<Arc<Access>>,
}

/// What handling one statement takes.
pub(crate) struct Exchange {
    /// Keeps the engine open while the statement is handled.
    pub(crate) engine: Arc<Kept>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) session: Session,
    pub(crate) head: Head,
    pub(crate) wait_end_of_query: bool,
}

impl Service {
    /// The service for clients in this process.
    pub(crate) fn in_process(engine: Weak<Kept>, wire: Arc<Wire>) -> Self {
        Self { engine, wire, access: None }
    }

    /// The service for clients behind a socket.
    pub(crate) fn over_socket(engine: Weak<Kept>, wire: Arc<Wire>, access: Arc<Access>) -> Self {
        Self { engine, wire, access: Some(access) }
    }

    /// The connection that serves `io`. `http` says how.
    pub(crate) fn connection<Io>(self, http: &http1::Builder, io: Io) -> Connection<Io>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let wire = Arc::clone(&self.wire);
        http.serve_connection(TokioIo::new(ServiceEnd::new(io, wire)), self)
    }

    async fn answer(self, request: hyper::Request<Incoming>) -> Response<AnswerBody> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let probe = matches!(path, "/ping" | "/replicas_status");
        if let Some(access) = &self.access
            && let Err(exception) = access.check(&parts.headers, probe).await
        {
            return failure(&exception, "");
        }
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(exception) => return failure(&exception, ""),
        };
        match (&parts.method, path) {
            (&Method::GET | &Method::HEAD, _) if probe => plain(StatusCode::OK, "Ok.\n"),
            (&Method::GET, "/") if parts.uri.query().is_none_or(str::is_empty) => {
                plain(StatusCode::OK, "Ok.\n")
            }
            (&Method::GET | &Method::POST, "/") => self.statement(engine, &parts, body).await,
            (_, "/") => plain(StatusCode::METHOD_NOT_ALLOWED, "Use POST, or GET for reading.\n"),
            _ => plain(StatusCode::NOT_FOUND, format!("There is no handle {path}\n")),
        }
    }

    /// The engine, kept open.
    fn engine(&self) -> Result<Arc<Kept>, Exception> {
        if exit::is_forked() {
            return Err(Exception::new(Code::Aborted, Error::Forked.to_string()));
        }
        self.engine.upgrade().ok_or_else(|| {
            Exception::new(
                Code::Aborted,
                "The embedded engine was closed: open it again, and connect to it anew",
            )
        })
    }

    async fn statement(self, engine: Arc<Kept>, parts: &Parts, body: Incoming) -> Response<AnswerBody> {
        let request = Request::read(&parts.method, parts.uri.query(), &parts.headers);
        let mut query_id = String::new();
        let answer = match request {
            Ok(mut request) => {
                query_id = request.query_id.take().unwrap_or_else(|| Uuid::new_v4().to_string());
                self.run(engine, request, &parts.headers, body, &query_id).await
            }
            Err(exception) => Err(exception),
        };
        match answer {
            Ok(answer) => answer.into_response(),
            Err(exception) => failure(&exception, &query_id),
        }
    }

    async fn run(
        self,
        engine: Arc<Kept>,
        mut request: Request,
        headers: &HeaderMap,
        body: Incoming,
        query_id: &str,
    ) -> Result<Answer, Exception> {
        let encoding = headers.get(header::CONTENT_ENCODING);
        if let Some(encoding) = encoding.filter(|encoding| encoding.as_bytes() != b"identity") {
            let message =
                format!("Content-Encoding {encoding:?} is not supported: send plain data, or decompress=1");
            return Err(Exception::new(Code::NotImplemented, message));
        }
        let mut input = Input::new(body, request.decompress);
        if let Some(boundary) = form::boundary(headers) {
            form::read(&mut request, input.text().await?, boundary).await?;
        }
        let statement = match read_statement(request.query.trim(), &mut input).await {
            Ok(statement) => statement,
            Err(exception) => {
                input.discard();
                return Err(exception);
            }
        };
        let session = Session::new(&request, query_id);
        let judge = request.is_read_only().then(|| Judge::of(&request, &session, query_id));
        if judge.is_some() && matches!(statement, Statement::Insert(_)) {
            return Err(Exception::new(Code::Readonly, helios_sql::Refusal::of_insert().to_string()));
        }
        let head = Head {
            query_id: query_id.to_owned(),
            timezone: engine.running().timezone().to_owned(),
            ..Head::default()
        };
        let exchange =
            Exchange { session, engine, wire: self.wire, head, wait_end_of_query: request.wait_end_of_query };
        match statement {
            Statement::Insert(insert) => insert::run(exchange, insert, input).await,
            Statement::Query(mut query) => {
                if judge.is_none()
                    && let Some(kill) = Kill::read(&query.text)
                {
                    query = kill.run(exchange.engine.running()).await?;
                }
                query::run(exchange, query, judge, request.default_format()?.to_owned()).await
            }
        }
    }
}

/// The statement, which may begin in the URL and go on in the body. Of an `INSERT` only the beginning is read; what
/// follows it stays in `input`.
async fn read_statement(url: &str, input: &mut Input) -> Result<Statement, Exception> {
    if let Some(insert) = Statement::insert(url.as_bytes(), true)? {
        input.unread(Bytes::copy_from_slice(url.as_bytes().get(insert.data..).unwrap_or_default()));
        return Ok(Statement::Insert(insert));
    }
    let mut text = BytesMut::from(url);
    if !url.is_empty() {
        text.extend_from_slice(b"\n");
    }
    let mut look = FIRST_LOOK;
    loop {
        let whole = input.fill(&mut text, look).await?;
        if let Some(insert) = Statement::insert(&text, whole)? {
            input.unread(text.split_off(insert.data.min(text.len())).freeze());
            return Ok(Statement::Insert(insert));
        }
        if text.len() > TEXT_LIMIT {
            return Err(too_long());
        }
        if whole {
            return Statement::query(&text);
        }
        look = look.saturating_mul(2);
    }
}

/// A connection that the service answers on.
pub(crate) type Connection<Io> = http1::Connection<TokioIo<ServiceEnd<Io>>, Service>;

impl hyper::service::Service<hyper::Request<Incoming>> for Service {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}
