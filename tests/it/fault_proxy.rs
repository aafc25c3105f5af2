//! A way to ClickHouse that spoils answers: it cuts them, puts an exception among them, parts them anywhere. It compresses
//! them as a server does: if it is asked to.

use std::{
    collections::HashMap,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use helios_core::{ConfigKey, HeliosClient};
use helios_embedded::Listener;
use helios_tests::Random;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::shop::client;

/// Announced with every answer, as servers since 25.11 do.
pub(crate) const TAG: &str = "helioshelioshelio";

/// The number of the exceptions that are put among the rows.
pub(crate) const CODE: u32 = 395;

const EXCEPTION: &str = "Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero: while executing. \
                         (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.7.2.1 (official build))\n";

/// What is done to the answer of a query.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The longest piece the answer is parted into: each is a read of its own, and a block of what is compressed.
    pub(crate) pieces: usize,
    /// The chances of the pieces.
    pub(crate) seed: u64,
    pub(crate) framing: Framing,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Nothing from this thousandth of the answer on.
    Cut {
        at: u64,
    },
    /// Without so many bytes at its end.
    Less {
        bytes: usize,
    },
    /// From this thousandth on an exception in a frame; parted like the rest, or in one piece.
    Frame {
        at: u64,
        parted: bool,
    },
    /// From this thousandth on the bare text of an exception.
    Text {
        at: u64,
        parted: bool,
    },
    /// No rows: an exception in the head of an answer that is good otherwise.
    Header,
}

/// How the end of the answer is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Framing {
    /// Chunks, and the last one says so.
    Chunked,
    /// Chunks, and then the connection ends.
    BrokenOff,
    /// `Content-Length` of the whole answer; the connection ends early if some of it is missing.
    Length,
}

/// A proxy in front of the engine that the tests share.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    _listener: Listener,
}

struct State {
    server: SocketAddr,
    plan: Mutex<Plan>,
    /// Answers by what was asked: a thousand faults need one run of a query.
    answers: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl FaultProxy {
    pub(crate) async fn start() -> Self {
        let anywhere = (Ipv4Addr::LOCALHOST, 0);
        let listener = client().warehouse().engine().unwrap().listen(anywhere.into(), None).await.unwrap();
        let plan = Plan { fault: Fault::None, pieces: 1 << 16, seed: 0, framing: Framing::Chunked };
        let state = Arc::new(State {
            server: listener.local_addr(),
            plan: Mutex::new(plan),
            answers: Mutex::default(),
        });
        let socket = TcpListener::bind(anywhere).await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = socket.accept().await.unwrap();
                let state = Arc::clone(&shared);
                // Whoever asked may go away before it has all of the answer.
                tokio::spawn(async move { drop(state.serve(client).await) });
            }
        });
        Self { address, state, _listener: listener }
    }

    /// A client that goes this way, and asks for this compression.
    pub(crate) fn client(&self, compression: &str) -> HeliosClient {
        let builder = HeliosClient::builder().clickhouse_url(format!("http://{}", self.address));
        builder.set(ConfigKey::ClickHouseCompression, compression).build().unwrap()
    }

    /// What is done to answers from now on.
    pub(crate) fn plan(&self, plan: Plan) {
        *self.state.plan.lock().unwrap() = plan;
    }
}

impl State {
    async fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        let mut client = BufReader::new(client);
        let (head, body) = read_request(&mut client).await?;
        let mut plan = self.plan.lock().unwrap().clone();
        // What is asked about the query is not the query.
        if body.starts_with(b"DESCRIBE") {
            (plan.fault, plan.framing) = (Fault::None, Framing::Chunked);
        }
        let encoding = Encoding::asked_for(&head);
        let answer = self.answer(&head, body).await;
        let mut client = client.into_inner();
        client.write_all(&spoilt(answer, &plan, encoding)).await?;
        client.shutdown().await
    }

    /// What the engine answers, all of it.
    async fn answer(&self, head: &str, body: Vec<u8>) -> Vec<u8> {
        let target = head.split(' ').nth(1).unwrap();
        let mut url = url::Url::parse(&format!("http://{}{target}", self.server)).unwrap();
        let pairs = url.query_pairs().into_owned();
        let mut pairs: Vec<_> = pairs.filter(|(name, _)| name != "query_id").collect();
        pairs.sort();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        let key = [url.as_str().as_bytes(), b"\n", &body].concat();
        if let Some(answer) = self.answers.lock().unwrap().get(&key) {
            return answer.clone();
        }
        let response = reqwest::Client::new().post(url).body(body).send().await.unwrap();
        let answer = response.bytes().await.unwrap().to_vec();
        self.answers.lock().unwrap().insert(key, answer.clone());
        answer
    }
}

/// How an answer is compressed.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Lz4,
    Zstd,
}

impl Encoding {
    /// A server needs both: the header, and the setting.
    fn asked_for(head: &str) -> Option<Self> {
        let header =
            |encoding| head.to_ascii_lowercase().contains(&format!("accept-encoding: {encoding}\r\n"));
        if !head.contains("enable_http_compression=1") {
            return None;
        }
        [("lz4", Self::Lz4), ("zstd", Self::Zstd)]
            .into_iter()
            .find_map(|(name, encoding)| header(name).then_some(encoding))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Each piece as a block of its own, the last with the end behind it.
    fn encode(self, pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
        match self {
            Self::Lz4 => {
                let encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                blocks(encoder, pieces, |encoder| encoder.get_mut(), |encoder| encoder.finish().unwrap())
            }
            Self::Zstd => {
                let encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
                blocks(encoder, pieces, |encoder| encoder.get_mut(), |encoder| encoder.finish().unwrap())
            }
        }
    }
}

fn blocks<E: Write>(
    mut encoder: E,
    pieces: &[Vec<u8>],
    written: impl Fn(&mut E) -> &mut Vec<u8>,
    finish: impl FnOnce(E) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let mut blocks: Vec<_> = pieces
        .iter()
        .map(|piece| {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            std::mem::take(written(&mut encoder))
        })
        .collect();
    let end = finish(encoder);
    match blocks.last_mut() {
        Some(last) => last.extend_from_slice(&end),
        None => blocks.push(end),
    }
    blocks
}

/// The whole answer as it goes over the wire.
fn spoilt(mut body: Vec<u8>, plan: &Plan, encoding: Option<Encoding>) -> Vec<u8> {
    let frame =
        format!("\r\n__exception__\r\n{TAG}\r\n{EXCEPTION}{} {TAG}\r\n__exception__\r\n", EXCEPTION.len());
    let late = match plan.fault {
        Fault::None | Fault::Cut { .. } | Fault::Less { .. } => None,
        Fault::Frame { at, parted } => Some((at, frame.as_str(), parted)),
        Fault::Text { at, parted } => Some((at, EXCEPTION, parted)),
        Fault::Header => {
            body = EXCEPTION.into();
            None
        }
    };
    let mut alone = None;
    if let Some((at, text, parted)) = late {
        body.truncate(thousandth(body.len(), at));
        if parted {
            body.extend_from_slice(text.as_bytes());
        } else {
            alone = Some(text.as_bytes().to_vec());
        }
    }
    let mut pieces = in_pieces(&body, plan);
    pieces.extend(alone);
    if let Some(encoding) = encoding {
        pieces = encoding.encode(&pieces);
    }
    let whole = pieces.iter().map(Vec::len).sum();
    match plan.fault {
        Fault::Cut { at } => cut(&mut pieces, thousandth(whole, at)),
        Fault::Less { bytes } => cut(&mut pieces, whole.saturating_sub(bytes)),
        _ => {}
    }

    let mut wire =
        format!("HTTP/1.1 200 OK\r\nX-ClickHouse-Exception-Tag: {TAG}\r\nConnection: close\r\n").into_bytes();
    if let Some(encoding) = encoding {
        wire.extend_from_slice(format!("Content-Encoding: {}\r\n", encoding.name()).as_bytes());
    }
    if plan.fault == Fault::Header {
        wire.extend_from_slice(format!("X-ClickHouse-Exception-Code: {CODE}\r\n").as_bytes());
    }
    if plan.framing == Framing::Length {
        // What was cut was announced.
        let announced = if matches!(plan.fault, Fault::Cut { .. }) { whole } else { pieces.concat().len() };
        wire.extend_from_slice(format!("Content-Length: {announced}\r\n\r\n").as_bytes());
        wire.extend_from_slice(&pieces.concat());
        return wire;
    }
    wire.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    for piece in pieces {
        wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wire.extend_from_slice(&piece);
        wire.extend_from_slice(b"\r\n");
    }
    if plan.framing == Framing::Chunked {
        wire.extend_from_slice(b"0\r\n\r\n");
    }
    wire
}

fn thousandth(whole: usize, at: u64) -> usize {
    whole * usize::try_from(at).unwrap() / 1000
}

fn in_pieces(mut rest: &[u8], plan: &Plan) -> Vec<Vec<u8>> {
    let mut random = Random::new(plan.seed);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(random.below(plan.pieces as u64)).unwrap() + 1;
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces
}

/// Keeps so many bytes of them all.
fn cut(pieces: &mut Vec<Vec<u8>>, mut keep: usize) {
    for piece in pieces.iter_mut() {
        piece.truncate(keep);
        keep -= piece.len();
    }
    pieces.retain(|piece| !piece.is_empty());
}

/// The head of a request, and its body.
async fn read_request(client: &mut BufReader<TcpStream>) -> std::io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned())
    };
    let mut body = Vec::new();
    if let Some(length) = header("content-length") {
        body.resize(length.parse().unwrap(), 0);
        client.read_exact(&mut body).await?;
        return Ok((head, body));
    }
    loop {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.push(client.read_u8().await?);
        }
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        client.read_exact(&mut chunk).await?;
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return Ok((head, body));
        }
    }
}
