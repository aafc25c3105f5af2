//! One payload, and the events in it: a JSON object, a list of objects, or several of either one after another, with nothing,
//! white space, or a comma between them.
//!
//! Where one event ends is told by brackets and quotes alone, so that it depends on nothing but the bytes; whether an
//! event is JSON, and fits, is for the decoder to say. No byte but white space, the brackets and commas of a list, and what
//! the rules below name, is left out:
//!
//! - A payload that begins with `{` and ends with `}`, and in which nothing but `,`, `]`, `}` or the end follows on a
//!   `}`, is one event, whatever it holds, unless its first object ends before a comma and another one, and an object behind
//!   a comma begins with the same key as the first. An empty payload is one event, too.
//! - Behind an event that is in no list, zero bytes are padding. So is one comma, if another object or list follows, or
//!   nothing.
//! - A byte order mark before the first object or list is left out.
//! - The elements of a list are events of their own, whatever they are. An empty list is an event, which no table takes.
//! - Where the payload breaks off, or a bracket closes that none has opened, or something else than an object or a list
//!   stands, the events before remain; what follows is one event, which the decoder rejects with these bytes. It goes up
//!   to the next line that begins with `{` or `[` after one that ended with `}` or `]`, or to the end of the payload.
//!   Only that is a place between two events for certain: within a JSON text, whole or cut off, a comma or a colon
//!   stands between them. So what is part of a damaged event is never taken for an event of its own. From there on each
//!   event has to end on its own line, as in NDJSON.
//! - A list that ends before its closing bracket gives, for what is missing, one event more: the rest of it, which may
//!   be empty.

use bytes::Bytes;
use memchr::{memchr, memchr_iter, memchr3};

use crate::json::MAX_DEPTH;

/// The events of one payload.
pub(crate) fn events(payload: Bytes) -> impl Iterator<Item = Bytes> {
    let payload = without_mark(payload);
    let parts =
        if is_one(&payload) { Parts::One } else { Parts::Some { at: 0, in_list: false, by_line: false } };
    Events { payload, parts }
}

/// A payload without the byte order mark that some programs put before JSON.
fn without_mark(payload: Bytes) -> Bytes {
    match payload.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) if matches!(rest.trim_ascii_start().first(), Some(b'{' | b'[')) => payload.slice_ref(rest),
        _ => payload,
    }
}

/// The iterator of [`events`].
#[derive(Debug)]
struct Events {
    payload: Bytes,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    /// The whole payload, and nothing else.
    One,
    Some {
        at: usize,
        in_list: bool,
        /// Whether something was broken before.
        by_line: bool,
    },
    None,
}

/// Whether a record is one event as it is, without a closer look: it nearly always is. What is aggregated or compressed
/// begins otherwise.
pub(super) fn is_plain(record: &[u8]) -> bool {
    record.starts_with(b"{") && is_one(record)
}

/// Whether a payload is one event without a closer look: it nearly always is.
fn is_one(payload: &[u8]) -> bool {
    let trimmed = payload.trim_ascii();
    if trimmed.is_empty() {
        return true;
    }
    if !trimmed.starts_with(b"{") || !trimmed.ends_with(b"}") {
        return false;
    }
    let mut apart = None;
    memchr_iter(b'}', trimmed).all(|at| {
        let rest = trimmed.get(at + 1..).unwrap_or_default().trim_ascii_start();
        match rest.first() {
            None | Some(b']' | b'}') => true,
            Some(b',') => {
                let next = rest.get(1..).unwrap_or_default().trim_ascii_start();
                next.first() != Some(&b'{')
                    || !apart.get_or_insert_with(|| Apart::new(trimmed)).begins(at, next)
            }
            Some(_) => false,
        }
    })
}

/// Whether these bytes are a comma and another object.
fn is_before_object(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b",").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// Tells the `},{` between two events from one in a list. Nearly always it is in a list, and this must cost nothing: so
/// only where the first key of the payload comes again, it is looked at.
struct Apart<'a> {
    text: &'a [u8],
    /// The payload up to the end of its first key.
    opening: &'a [u8],
    /// Whether nothing has shown yet that the payload is one event.
    is_open: bool,
    /// How far lists have been counted, and how many are open there.
    at: usize,
    lists: usize,
    is_quoted: bool,
}

impl<'a> Apart<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut quotes = text.iter().enumerate().filter(|(_, byte)| **byte == b'"');
        let end = quotes.nth(1).map_or(1, |(quote, _)| quote + 1);
        let opening = text.get(..end).unwrap_or_default();
        Self { text, opening, is_open: true, at: 0, lists: 0, is_quoted: false }
    }

    /// Whether the payload is several events, as this object behind the `}` at a place and a comma may show.
    #[inline]
    fn begins(&mut self, at: usize, next: &[u8]) -> bool {
        next.starts_with(self.opening) && self.is_open && self.is_apart(at)
    }

    #[cold]
    fn is_apart(&mut self, at: usize) -> bool {
        if self.is_in_list(at) {
            return false;
        }
        // Either the first object ends before a comma and another one, or the payload is one event whatever follows.
        self.is_open = false;
        let behind = value_end(self.text).and_then(|end| self.text.get(end..)).unwrap_or_default();
        is_before_object(behind.trim_ascii_start())
    }

    /// Whether a list is open at a later place of the text, or a string.
    fn is_in_list(&mut self, end: usize) -> bool {
        while let Some(rest) = self.text.get(self.at..end) {
            let found = memchr3(b'[', b']', b'\\', rest);
            let plain = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
            self.is_quoted ^= memchr_iter(b'"', plain).count() % 2 == 1;
            self.at += plain.len() + 1;
            match found.and_then(|found| rest.get(found)) {
                None => {
                    self.at = end;
                    break;
                }
                Some(b'\\') => self.at += 1,
                Some(_) if self.is_quoted => {}
                Some(b'[') => self.lists += 1,
                Some(_) => self.lists = self.lists.saturating_sub(1),
            }
        }
        self.lists > 0 || self.is_quoted
    }
}

impl Iterator for Events {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self.parts {
            Parts::One => {
                self.parts = Parts::None;
                Some(self.payload.clone())
            }
            Parts::Some { at, in_list, by_line } => self.part(at, in_list, by_line),
            Parts::None => None,
        }
    }
}

impl Events {
    fn part(&mut self, at: usize, in_list: bool, by_line: bool) -> Option<Bytes> {
        let start = if in_list || at == 0 { self.after_space(at) } else { self.after_padding(at) };
        let Some(first) = self.payload.get(start) else {
            self.parts = Parts::None;
            // A list without its end.
            return in_list.then(Bytes::new);
        };
        if in_list {
            return Some(self.element(start, by_line));
        }
        let end = match first {
            b'[' if self.payload.get(self.after_space(start + 1)) != Some(&b']') => {
                return self.part(start + 1, true, by_line);
            }
            b'{' | b'[' => self.end(start, by_line),
            _ => None,
        };
        Some(match end {
            Some(end) => self.cut(start, end, Parts::Some { at: end, in_list: false, by_line }),
            None => self.broken(start),
        })
    }

    /// The element of a list at `start`, with the comma or bracket behind it passed over.
    fn element(&mut self, start: usize, by_line: bool) -> Bytes {
        let Some(end) = self.end(start, by_line) else { return self.broken(start) };
        let behind = self.after_space(end);
        match self.payload.get(behind) {
            Some(b',') => self.cut(start, end, Parts::Some { at: behind + 1, in_list: true, by_line }),
            Some(b']') => self.cut(start, end, Parts::Some { at: behind + 1, in_list: false, by_line }),
            // A comma is missing, or a bracket is of the wrong kind: what is there is looked at in its turn.
            _ => self.cut(start, end, Parts::Some { at: behind, in_list: true, by_line }),
        }
    }

    /// Where the value at `start` ends; `None` if it does not, or is none.
    fn end(&self, start: usize, by_line: bool) -> Option<usize> {
        let rest = self.payload.get(start..)?;
        let rest = if by_line { rest.get(..memchr(b'\n', rest).unwrap_or(rest.len()))? } else { rest };
        value_end(rest).map(|end| start + end)
    }

    /// From `start` up to a line on which another event begins for certain.
    fn broken(&mut self, start: usize) -> Bytes {
        let mut end = start;
        loop {
            let rest = self.payload.get(end..).unwrap_or_default();
            let Some(line) = memchr(b'\n', rest) else {
                return self.cut(start, self.payload.len(), Parts::None);
            };
            end += line + 1;
            let is_closed = || {
                let before = self.payload.get(start..end).unwrap_or_default().trim_ascii_end();
                matches!(before.last(), Some(b'}' | b']'))
            };
            if matches!(self.payload.get(end), Some(b'{' | b'[')) && is_closed() {
                return self.cut(start, end, Parts::Some { at: end, in_list: false, by_line: true });
            }
        }
    }

    fn cut(&mut self, start: usize, end: usize, parts: Parts) -> Bytes {
        self.parts = parts;
        let part = self.payload.get(start..end).unwrap_or_default();
        self.payload.slice_ref(part.trim_ascii_end())
    }

    /// Where, behind an event that is in no list, the next one begins.
    fn after_padding(&self, at: usize) -> usize {
        let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
        let skip = |at: usize| {
            let rest = self.payload.get(at..).unwrap_or_default();
            at + rest.iter().position(|byte| !is_padding(byte)).unwrap_or(rest.len())
        };
        let start = skip(at);
        if self.payload.get(start) != Some(&b',') {
            return start;
        }
        let behind = skip(start + 1);
        if matches!(self.payload.get(behind), None | Some(b'{' | b'[')) { behind } else { start }
    }

    fn after_space(&self, at: usize) -> usize {
        let rest = self.payload.get(at..).unwrap_or_default();
        at + (rest.len() - rest.trim_ascii_start().len())
    }
}

/// The length of the value that some bytes begin with, told by brackets and quotes.
fn value_end(bytes: &[u8]) -> Option<usize> {
    let mut open = [0_u8; MAX_DEPTH + 1];
    let mut depth = 0;
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            b'"' => at = text_end(bytes, at)?,
            bracket @ (b'{' | b'[') => {
                *open.get_mut(depth)? = bracket;
                depth += 1;
                at += 1;
            }
            bracket @ (b'}' | b']') => {
                depth = depth.checked_sub(1)?;
                // `{` and `}`, as `[` and `]`, are two apart.
                if open.get(depth)? + 2 != bracket {
                    return None;
                }
                at += 1;
            }
            b',' if depth == 0 => return None,
            _ if depth == 0 => at = word_end(bytes, at)?,
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The place after a string.
fn text_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..)?;
        at += memchr3(b'"', b'\\', b'\n', rest)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// The place after a number or a word, which another token must follow, or the end.
fn word_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let length =
        rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n'));
    Some(start + length.unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An object with objects and lists of them in it.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::json!(1)),
            Just(serde_json::json!("}\n{")),
            Just(serde_json::json!({}))
        ];
        let value = leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|fields| fields.into_iter().collect::<serde_json::Value>()),
            ]
        });
        value.prop_map(|value| serde_json::json!({ "a": value }))
    }

    fn all(payload: &str) -> Vec<String> {
        let events = events(Bytes::copy_from_slice(payload.as_bytes()));
        events.map(|event| String::from_utf8(event.to_vec()).unwrap()).collect()
    }

    #[test]
    fn an_object_is_one_event_as_it_came() {
        for payload in
            ["{}", " {\"a\":1} \n", "{\"a\":[{},{}]}", "", "  ", "{\"a\":{\"b\":1},\"c\":\"x}\"}", "{,}}"]
        {
            assert_eq!(all(payload), [payload]);
        }
    }

    #[test]
    fn lists_and_lines_are_taken_apart() {
        for (payload, expected) in [
            ("{\"a\":1}{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"][..]),
            ("{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}", "{\"a\":2}"]),
            ("{\"a\":1}\r\n\r\n {\"a\":2}", &["{\"a\":1}", "{\"a\":2}"]),
            ("{\n\"a\":\n1}\n{\n\"a\":2\n}", &["{\n\"a\":\n1}", "{\n\"a\":2\n}"]),
            ("[{\"a\":1},{\"a\":[{}]}]", &["{\"a\":1}", "{\"a\":[{}]}"]),
            (" [ {\"a\":1} , {\"a\":2} ] ", &["{\"a\":1}", "{\"a\":2}"]),
            ("[1,\"x,]\",null,[2,3]]", &["1", "\"x,]\"", "null", "[2,3]"]),
            ("[{}]\n[{},{}]{}", &["{}", "{}", "{}", "{}"]),
            ("[]", &["[]"]),
            ("[ ]\n{}", &["[ ]", "{}"]),
            ("{\"a\":\"}{\"}{\"b\":\"\\\"}{\"}", &["{\"a\":\"}{\"}", "{\"b\":\"\\\"}{\"}"]),
        ] {
            assert_eq!(all(payload), expected, "{payload}");
        }
    }

    #[test]
    fn commas_and_padding_are_left_out_between_events() {
        for (payload, expected) in [
            ("{\"a\":1},{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"][..]),
            ("{\"a\":1} ,\n{\"a\":2} ,\n", &["{\"a\":1}", "{\"a\":2}"]),
            ("{\"a\":1},", &["{\"a\":1}"]),
            ("{\"a\":[{},{}]},{\"a\":\"},{[\"},{}", &["{\"a\":[{},{}]}", "{\"a\":\"},{[\"}", "{}"]),
            (
                "{\"a\":\"[\"},{\"a\":\"\\\"[\"},{\"a\":\"\\\\\"}",
                &["{\"a\":\"[\"}", "{\"a\":\"\\\"[\"}", "{\"a\":\"\\\\\"}"],
            ),
            ("[{\"a\":1}],[{\"a\":2}],{\"a\":3}", &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]),
            ("{\"a\":1}\0", &["{\"a\":1}"]),
            ("{\"a\":1}\n\0\0\0", &["{\"a\":1}"]),
            ("[{\"a\":1}]\0", &["{\"a\":1}"]),
            ("{\"a\":1}\0{\"a\":2}\0", &["{\"a\":1}", "{\"a\":2}"]),
            ("\u{feff}{\"a\":1}", &["{\"a\":1}"]),
            ("\u{feff}\r\n[{\"a\":1}]", &["{\"a\":1}"]),
            ("{\"a\":1},{\"b\":1},{\"a\":2}", &["{\"a\":1}", "{\"b\":1}", "{\"a\":2}"]),
            (
                "{ \"a\":1},\n{ \"a\":[{\"a\":1},{\"a\":2}]}",
                &["{ \"a\":1}", "{ \"a\":[{\"a\":1},{\"a\":2}]}"],
            ),
            ("{\"a\":[{\"a\":[1]},{\"a\":2}]},{\"a\":1}", &["{\"a\":[{\"a\":[1]},{\"a\":2}]}", "{\"a\":1}"]),
            // None of that.
            (
                "{\"a\":[{\"a\":[1]},{\"a\":2}],\"b\":{\"a\":[{\"a\":1},{\"a\":1}]}}",
                &["{\"a\":[{\"a\":[1]},{\"a\":2}],\"b\":{\"a\":[{\"a\":1},{\"a\":1}]}}"],
            ),
            ("{\"a\":1},{\"b\":2}", &["{\"a\":1},{\"b\":2}"]),
            ("{\"a\":[{},{\"b\":[]},{}],\"b\":[{},{}]}", &["{\"a\":[{},{\"b\":[]},{}],\"b\":[{},{}]}"]),
            ("{\"a\":\"},{\"}", &["{\"a\":\"},{\"}"]),
            ("{\"a\":{\"b\":1},{\"c\":2}}", &["{\"a\":{\"b\":1},{\"c\":2}}"]),
            ("{\"a\":1}},{\"a\":2}", &["{\"a\":1}},{\"a\":2}"]),
            ("{\"a\":1},,{\"a\":2}}", &["{\"a\":1},,{\"a\":2}}"]),
            ("{\"a\":1},1", &["{\"a\":1}", ",1"]),
            ("{\"a\":\"x\0\0", &["{\"a\":\"x\0\0"]),
            ("\0\0{\"a\":1}", &["\0\0{\"a\":1}"]),
            ("\0", &["\0"]),
            ("\u{feff}", &["\u{feff}"]),
            ("\u{feff}text", &["\u{feff}text"]),
            ("[{\"a\":1}\0,{\"a\":2}]", &["{\"a\":1}", "\0", "{\"a\":2}"]),
            // Damaged parts must not cost the intact ones.
            ("{\"a\":1},{\"a\":2},{\"a\":", &["{\"a\":1}", "{\"a\":2}", "{\"a\":"]),
        ] {
            assert_eq!(all(payload), expected, "{payload}");
        }
    }

    #[test]
    fn what_is_broken_leaves_its_neighbours_alone() {
        for (payload, expected) in [
            // A line of NDJSON cut off, with a bracket too many, with a quote too few, and none at all.
            ("{\"a\":1}\n{\"a\":\n{\"a\":3}\n{}", &["{\"a\":1}", "{\"a\":\n{\"a\":3}", "{}"][..]),
            ("{\"a\":1}}\n{\"a\":2}", &["{\"a\":1}", "}", "{\"a\":2}"]),
            ("{\"a\":\"x}\n{\"a\":2}\n{\"a\":3}", &["{\"a\":\"x}", "{\"a\":2}", "{\"a\":3}"]),
            ("{\"a\":1}\nnonsense\nmore\n{\"a\":2}", &["{\"a\":1}", "nonsense\nmore\n{\"a\":2}"]),
            ("{\"a\":1}\nnonsense}\r\n{\"a\":2}", &["{\"a\":1}", "nonsense}", "{\"a\":2}"]),
            ("{\"a\":1}x", &["{\"a\":1}", "x"]),
            ("{\"a\":1}\n{\"a\":2", &["{\"a\":1}", "{\"a\":2"]),
            // A list cut off, within an element, behind one, and behind a comma.
            ("[{\"a\":1},{\"a\":", &["{\"a\":1}", "{\"a\":"]),
            ("[{\"a\":1}", &["{\"a\":1}", ""]),
            ("[{\"a\":1},", &["{\"a\":1}", ""]),
            ("[", &[""]),
            // A comma too few, or too many; a bracket of the wrong kind.
            ("[{\"a\":1}{\"a\":2}]", &["{\"a\":1}", "{\"a\":2}"]),
            ("[{\"a\":1},,{\"a\":2}]", &["{\"a\":1}", ",{\"a\":2}]"]),
            ("[{\"a\":1},]\n{\"a\":2}", &["{\"a\":1}", "]", "{\"a\":2}"]),
            ("[{\"a\":1}}\n{\"a\":2}", &["{\"a\":1}", "}", "{\"a\":2}"]),
            // After that an event ends on its own line.
            ("x}\n{\"a\":{}\n{\"b\":2}}\n{\"c\":3}", &["x}", "{\"a\":{}", "{\"b\":2}", "}", "{\"c\":3}"]),
            ("x\n{\"a\":1}", &["x\n{\"a\":1}"]),
            ("1", &["1"]),
            ("1\n2", &["1\n2"]),
        ] {
            assert_eq!(all(payload), expected, "{payload}");
        }
    }

    #[test]
    fn hostile_payloads_are_cut_in_time() {
        let lines = 200_000;
        for (line, least) in [
            ("{\n", 1),
            ("{\"a\":{}\n", lines),
            ("[\n", 1),
            ("{\"a\":[],\n", 1),
            ("{}\n", lines),
            ("{},", lines),
            ("{\"a\":{},{", 1),
            ("{\"a\":[{},{\"a\":", 1),
            ("{\"a\":[],{}},{", 1),
            ("{}\0", lines),
            (",{}}", 1),
            ("[],\n", 1),
            ("{\"a\":[]\n[}\n", 1),
            ("\"\n", 1),
        ] {
            let events = events(line.repeat(lines).into());
            let count = events.count();
            assert!((least..=2 * lines + 1).contains(&count), "{line:?}: {count}");
        }
        assert_eq!(events("[".repeat(1 << 20).into()).count(), 1);
    }

    proptest! {
        /// The short way is the long one, where it may be taken.
        #[test]
        fn a_plain_record_is_the_one_event_it_is_found_to_be(text in r#"[{}\[\]a",: \n]{0,12}"#) {
            if is_plain(text.as_bytes()) {
                prop_assert_eq!(all(&text), [text]);
            }
        }

        /// What was put together is taken apart, however it was.
        #[test]
        fn events_come_back(
            parts in prop::collection::vec((r#"\{("[a\\"{}\[\]]{0,3}":(1|"[}{,\]\[\n]{0,3}"|\{\}|\[1,\{\}\]),?){0,3}\}"#, 0..4_usize), 1..8)
        ) {
            let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            let objects: Vec<_> = parts.iter().filter(|(object, _)| is_json(object)).collect();
            let lines: String = objects.iter().map(|(object, gap)| format!("{object}{}", ["", " ", "\n", "\r\n\n"][*gap])).collect();
            let list = format!("[{}]", objects.iter().map(|(object, _)| object.as_str()).collect::<Vec<_>>().join(" ,\n"));
            let expected: Vec<_> = objects.iter().map(|(object, _)| object.clone()).collect();
            if !objects.is_empty() {
                prop_assert_eq!(all(lines.trim()), expected.clone());
                let same: Vec<_> = objects.iter().map(|(object, _)| format!("{{\"k\":[{object},{object}],\"v\":{object}}}")).collect();
                prop_assert_eq!(all(&same.join(",")), same.clone());
                prop_assert_eq!(all(&format!("[{}]", same.join(","))), same);
                let apart = objects.iter().map(|(object, gap)| format!("{object}{}", [",", ", ", " ,\n", "\0,\0"][*gap]));
                prop_assert_eq!(all(&apart.collect::<String>()), expected.clone());
                prop_assert_eq!(all(&list), expected);
            }
        }

        /// However a payload of objects is cut off: no event that was not sent, and only the last is damaged.
        #[test]
        fn nothing_is_invented(objects in prop::collection::vec(json(), 1..5), pretty: bool, in_list: bool, at in any::<prop::sample::Index>()) {
            let write = |object: &serde_json::Value| {
                let text = if pretty { format!("{object:#}") } else { object.to_string() };
                // At the beginning of its line, the part of an event looks like one.
                text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
            };
            let sent: Vec<_> = objects.iter().map(write).collect();
            let payload = if in_list { format!("[{}]", sent.join(",\n")) } else { sent.join("\n") };
            let cut = payload.get(..at.index(payload.len() + 1)).unwrap();
            let ends = sent.iter().scan(usize::from(in_list), |end, event| {
                let own = *end + event.len();
                *end = own + 1 + usize::from(in_list);
                Some(own)
            });
            let came = ends.filter(|end| *end <= cut.len()).count();
            let found = all(cut);
            prop_assert_eq!(found[..came].iter().map(|event| event.trim_end()).collect::<Vec<_>>(), &sent[..came]);
            prop_assert!(found.len() <= came + 1);
            prop_assert!(found[came..].iter().all(|event| serde_json::from_str::<serde_json::Value>(event).is_err()));
        }

        /// Whatever the bytes are: an event at least, always the same ones, and no letter or digit lost or doubled.
        #[test]
        fn nothing_is_lost(payload in prop::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b','), Just(b'"'), Just(b'\\'), Just(b'\n'), Just(b' '), Just(b'a'), any::<u8>(),
        ], 0..60)) {
            let payload = Bytes::from(payload);
            let cut: Vec<_> = events(payload.clone()).collect();
            prop_assert!(!cut.is_empty());
            let kept = |bytes: &[u8]| bytes.iter().copied().filter(|byte| !matches!(byte, b'[' | b']' | b',') && !byte.is_ascii_whitespace()).collect::<Vec<_>>();
            prop_assert_eq!(kept(&cut.concat()), kept(&payload));
        }
    }
}
