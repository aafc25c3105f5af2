use super::*;

fn followed(pieces: &[&[u8]]) -> (u64, Option<&'static str>, Place) {
    let mut framing = Framing::default();
    for piece in pieces {
        framing.follow(piece);
    }
    assert!(framing.held.len() <= MAX_HEAD);
    (framing.clear(), framing.fault(), framing.place)
}

/// However the bytes are cut: in two at each place, and into single ones.
#[track_caller]
fn reads(bytes: &str, clear: u64, fault: Option<&str>) {
    let bytes = bytes.as_bytes();
    let whole = followed(&[bytes]);
    assert_eq!((whole.0, whole.1), (clear, fault), "{}", bytes.escape_ascii());
    for place in 0..=bytes.len() {
        let (first, second) = bytes.split_at(place);
        assert_eq!(followed(&[first, second]), whole, "{} cut at {place}", bytes.escape_ascii());
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(followed(&single), whole, "{} byte by byte", bytes.escape_ascii());
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn post(headers: &str, body: &str) -> String {
    format!("POST /api/query HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{body}")
}

#[test]
fn requests_follow_each_other() {
    let known = post("Content-Length: 4", "\r\n\r\n");
    let chunked =
        post("transfer-encoding: Chunked", "3;a=\"b\"\r\n\r\n\r\r\n00a \r\n0123456789\r\n0\r\nx: y\r\n\r\n");
    let empty = post("Content-Length: 0", "");
    reads("", 0, None);
    reads("GET / HTTP/1.1\r\nHost: loc", 0, None);
    reads(GET, 1, None);
    reads(&format!("\r\n\n{GET}\r\n{GET}"), 2, None);
    reads("GET / HTTP/1.1\nHost: localhost\n\nGET / HTTP/1.0\r\n\r\n", 2, None);
    reads(&[known.as_str(), &chunked, &empty, GET, &chunked, GET].concat(), 6, None);
    // What is in a body is no request.
    reads(&post(&format!("Content-Length: {}", GET.len()), &GET.repeat(2)), 2, None);
    let chunk = format!("{:x}\r\n{GET}\r\n0\r\n\r\n", GET.len());
    reads(&post("Transfer-Encoding: chunked", &chunk), 1, None);
}

#[test]
fn a_request_of_unclear_length_is_the_last() {
    for (headers, fault) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", BOTH),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", BOTH),
        ("CONTENT-LENGTH: 5\r\ntransfer-encoding: identity", BOTH),
        ("Content-Length: 5\r\nContent-Length: 6", LENGTH),
        ("Content-Length: 5\r\nContent-Length: 5", LENGTH),
        ("Content-Length: 5, 5", LENGTH),
        ("Content-Length: +5", LENGTH),
        ("Content-Length: -1", LENGTH),
        ("Content-Length: 0x5", LENGTH),
        ("Content-Length:", LENGTH),
        ("Content-Length: 99999999999999999999", LENGTH),
        ("Transfer-Encoding: identity", CODING),
        ("Transfer-Encoding: gzip, chunked", CODING),
        ("Transfer-Encoding: chunked, chunked", CODING),
        ("Transfer-Encoding: chunked, identity", CODING),
        ("Transfer-Encoding: xchunked", CODING),
        ("Transfer-Encoding:", CODING),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", CODING),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", CODING),
        ("Transfer-Encoding : chunked", UNREADABLE),
        ("Transfer-Encoding:\r\n chunked", UNREADABLE),
        ("Transfer-Encoding: \u{b}chunked", UNREADABLE),
        ("no header", UNREADABLE),
    ] {
        reads(&format!("{GET}{}{GET}", post(headers, "0\r\n\r\n")), 1, Some(fault));
    }
    reads("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, Some(CODING));
    reads("\u{16}\u{3}\u{1} this is TLS\r\n\r\n", 0, Some(UNREADABLE));
    reads("GET / HTTP/2.0\r\n\r\n", 0, Some(UNREADABLE));
}

#[test]
fn a_malformed_body_is_followed_by_nothing() {
    for body in [
        "\r\n",
        " 0\r\n\r\n",
        ";a\r\n\r\n",
        "0\n\r\n",
        "0;a\n\r\n\r\n",
        "5;\ra\r\nabcde\r\n0\r\n\r\n",
        "0x5\r\nabcde\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\nx: y\n\r\n",
    ] {
        reads(&format!("{}{GET}", post("Transfer-Encoding: chunked", body)), 1, Some(BODY));
    }
}

#[test]
fn what_is_held_is_bounded() {
    let long = "x".repeat(MAX_HEAD);
    for (bytes, clear, fault) in [
        (format!("GET /{long}"), 0, HEAD_TOO_LARGE),
        (format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\n"), 0, HEAD_TOO_LARGE),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(MAX_HEADERS + 1)), 0, UNREADABLE),
        (post("Transfer-Encoding: chunked", &format!("0;{long}\r\n\r\n")), 1, BODY),
        (
            post("Transfer-Encoding: chunked", &format!("0\r\n{}\r\n", "x: y\r\n".repeat(MAX_LINE / 6 + 1))),
            1,
            BODY,
        ),
    ] {
        let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
        for pieces in [&[bytes.as_bytes()][..], &pieces] {
            let (found, why, _) = followed(pieces);
            assert_eq!((found, why), (clear, Some(fault)));
        }
    }
    reads(&format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(MAX_HEADERS)), 1, None);
}

#[test]
fn a_body_of_any_length_is_held_nowhere() {
    let mut framing = Framing::default();
    framing.follow(post("Content-Length: 18446744073709551615", "x").as_bytes());
    assert_eq!((framing.place, framing.held.capacity() <= 1024), (Place::Body(u64::MAX - 1), true));
    let mut framing = Framing::default();
    framing.follow(post("Transfer-Encoding: chunked", "ffffffffffffffff\r\nx").as_bytes());
    assert_eq!(framing.place, Place::Chunk(u64::MAX - 1));
}
