//! Where the requests of a connection begin and end, by its raw bytes.
//!
//! hyper drops `Content-Length` from a request that also has `Transfer-Encoding`, so no handler can see that it had both. A proxy
//! may have used the other one, and send inside a body what this server takes for a request of its own.

mod stream;
mod verdict;

pub(crate) use stream::FramedStream;
pub(crate) use verdict::{Verdicts, refuse_unclear};

use httparse::{EMPTY_HEADER, Header, Request, Status};

/// As many as hyper takes.
const MAX_HEADERS: usize = 100;
/// The longest head.
const MAX_HEAD: usize = 64 << 10;
/// The longest line before a chunk, with its extensions, and all trailers of a body together; as in hyper.
const MAX_LINE: usize = 16 << 10;

/// How much room an idle connection keeps.
const KEPT: usize = 1 << 10;

const UNREADABLE: &str = "the request cannot be parsed as HTTP/1.1";
const HEAD_TOO_LARGE: &str = "the request's head is larger than 64 KiB";
const BOTH: &str = "a request cannot have both Content-Length and Transfer-Encoding";
const LENGTH: &str = "a request must have at most one Content-Length, and it must be a number";
const CODING: &str = "the only supported Transfer-Encoding is `chunked`, once, in HTTP/1.1";
const BODY: &str = "the body of the request before this one is malformed";

/// Follows the bytes of one connection. Holds at most a head, or a line of a chunked body.
///
/// It is stricter than hyper, never more lenient, so the two agree on each request that is clear. After the first that is not,
/// it follows no further.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    place: Place,
    /// The beginning of what `place` is about, as far as it has arrived.
    held: Vec<u8>,
    /// How many requests were clear.
    clear: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    /// The rest of a body of known length.
    Body(u64),
    /// The line with the size of a chunk.
    ChunkSize,
    /// The rest of a chunk.
    Chunk(u64),
    /// The end of the line after a chunk.
    ChunkEnd,
    /// Lines after the last chunk, which may have this many more bytes.
    Trailers(usize),
    /// Nothing that can be told: why.
    Lost(&'static str),
}

impl Framing {
    /// How many requests have begun whose end is clear.
    pub(crate) fn clear(&self) -> u64 {
        self.clear
    }

    /// Why the request after those is not clear.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if let Place::Lost(why) = self.place { Some(why) } else { None }
    }

    /// Takes the next bytes of the connection.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Lost(_) => return,
                Place::Body(left) => {
                    let (left, rest) = skip(left, bytes);
                    self.place = if left == 0 { Place::Head } else { Place::Body(left) };
                    rest
                }
                Place::Chunk(left) => {
                    let (left, rest) = skip(left, bytes);
                    self.place = if left == 0 { Place::ChunkEnd } else { Place::Chunk(left) };
                    rest
                }
                Place::Head => self.line(bytes, MAX_HEAD, HEAD_TOO_LARGE),
                Place::ChunkSize => self.line(bytes, MAX_LINE, BODY),
                Place::ChunkEnd => self.line(bytes, b"\r\n".len(), BODY),
                Place::Trailers(left) => self.line(bytes, left, BODY),
            };
        }
    }

    /// Holds the bytes up to the end of a line, and moves on if it is there.
    fn line<'a>(&mut self, bytes: &'a [u8], limit: usize, too_long: &'static str) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
        let (line, rest) = bytes.split_at(end);
        if self.held.len() + line.len() > limit {
            self.lose(too_long);
            return rest;
        }
        self.held.extend_from_slice(line);
        if line.ends_with(b"\n") {
            self.end_line();
        }
        rest
    }

    fn end_line(&mut self) {
        let next = match self.place {
            Place::Head => match self.end_head() {
                Some(next) => next,
                None => return,
            },
            Place::ChunkSize => match chunk_size(&self.held) {
                Some(0) => Place::Trailers(MAX_LINE),
                Some(size) => Place::Chunk(size),
                None => Place::Lost(BODY),
            },
            Place::ChunkEnd if self.held == b"\r\n" => Place::ChunkSize,
            Place::Trailers(_) if self.held == b"\r\n" => Place::Head,
            Place::Trailers(left) if self.held.ends_with(b"\r\n") => Place::Trailers(left - self.held.len()),
            _ => Place::Lost(BODY),
        };
        self.held.clear();
        self.held.shrink_to(KEPT);
        self.place = next;
        if let Place::Lost(why) = next {
            self.lose(why);
        }
    }

    /// What follows the head, if its last line has arrived.
    fn end_head(&mut self) -> Option<Place> {
        // hyper skips empty lines before a request, too.
        if self.held == b"\r\n" || self.held == b"\n" {
            self.held.clear();
            return None;
        }
        if !self.held.ends_with(b"\n\r\n") && !self.held.ends_with(b"\n\n") {
            return None;
        }
        Some(match after_head(&self.held) {
            Ok(next) => {
                self.clear += 1;
                next
            }
            Err(why) => Place::Lost(why),
        })
    }

    fn lose(&mut self, why: &'static str) {
        self.place = Place::Lost(why);
        self.held = Vec::new();
    }
}

/// What is left of so many bytes, and of the bytes that have arrived.
fn skip(left: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (left.saturating_sub(here as u64), bytes.split_at(here).1)
}

/// Reads a whole head, with the parser and the limits that hyper uses.
fn after_head(head: &[u8]) -> Result<Place, &'static str> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    if request.parse(head) != Ok(Status::Complete(head.len())) {
        return Err(UNREADABLE);
    }
    let lengths = values(request.headers, "content-length");
    let codings = values(request.headers, "transfer-encoding");
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(Place::Head),
        ([length], []) => match decimal(length).ok_or(LENGTH)? {
            0 => Ok(Place::Head),
            length => Ok(Place::Body(length)),
        },
        ([], [coding]) if request.version == Some(1) && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Place::ChunkSize)
        }
        ([], _) => Err(CODING),
        (_, []) => Err(LENGTH),
        _ => Err(BOTH),
    }
}

fn values<'a>(headers: &[Header<'a>], name: &str) -> Vec<&'a [u8]> {
    headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
        .collect()
}

/// Digits only: `str::parse` would take a sign.
fn decimal(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// The size in the line before a chunk. The parser would take an empty line, or one that begins with a space, for a zero.
fn chunk_size(line: &[u8]) -> Option<u64> {
    if !line.ends_with(b"\r\n") || !line.first().is_some_and(u8::is_ascii_hexdigit) {
        return None;
    }
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((length, size))) if length == line.len() => Some(size),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
