//! The statements of `tests/escapes.json`, torn apart and put together in other ways, against a server full of bait. Whatever
//! the judge lets through runs; what it may not reach shows whether it was right.
//!
//! For `HELIOS_ESCAPE_SECONDS` (default 30). `HELIOS_ESCAPE_SEED` repeats the statements of a run.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use helios_sql::lexer::Lexer;
use helios_tests::{Random, Server};
use reqwest::Client;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::escapes::{Bait, Corpus, ask_http, furnished, new_name, over_unconfined, unconfined_engine};

/// Around a statement.
const WRAPS: [&str; 9] = [
    "SELECT * FROM ({})",
    "WITH x AS ({}) SELECT * FROM x",
    "{} UNION ALL {}",
    "({}) EXCEPT ({})",
    "SELECT 1 IN ({})",
    "SELECT ({})",
    "EXPLAIN {}",
    "DESCRIBE ({})",
    "SELECT * FROM view({})",
];

/// Statements made of pieces of others.
struct Mutator {
    random: Random,
    /// Each as its tokens, with the space before them.
    allowed: Vec<Vec<String>>,
    refused: Vec<Vec<String>>,
    /// Of the refused ones: names of what they are after, for the most part.
    words: Vec<String>,
}

impl Mutator {
    fn new(seed: u64, corpus: &Corpus) -> Self {
        let allowed: Vec<_> = corpus.allowed.iter().map(|sql| tokens(sql)).collect();
        let refused: Vec<_> = corpus.refused.iter().map(|refused| tokens(&refused.sql)).collect();
        let is_word = |token: &&String| token.trim().starts_with(|first: char| first.is_alphabetic());
        let words = refused.iter().flatten().filter(is_word).cloned().collect();
        Self { random: Random::new(seed), allowed, refused, words }
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit.max(1).try_into().unwrap())).unwrap()
    }

    /// A statement of the corpus. More of the allowed ones, so that enough of what comes of them is allowed.
    fn statement(&mut self) -> Vec<String> {
        let from_refused = self.below(3) == 0;
        let index = self.below(if from_refused { self.refused.len() } else { self.allowed.len() });
        if from_refused { self.refused[index].clone() } else { self.allowed[index].clone() }
    }

    /// Up to so many tokens in a row of a statement.
    fn piece(&mut self, longest: usize) -> Vec<String> {
        let statement = self.statement();
        let from = self.below(statement.len());
        let length = self.below(longest) + 1;
        let mut piece: Vec<_> = statement.into_iter().skip(from).take(length).collect();
        if let Some(first) = piece.first_mut() {
            first.insert(0, ' ');
        }
        piece
    }

    /// What stands between two brackets, with them, if it has any.
    fn group(&mut self, statement: &[String]) -> Option<std::ops::RangeInclusive<usize>> {
        let opens: Vec<_> = (0..statement.len()).filter(|index| statement[*index].trim() == "(").collect();
        let from = *opens.get(self.below(opens.len()))?;
        let mut depth = 0;
        let to = (from..statement.len()).find(|index| {
            match statement[*index].trim() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some(from..=to)
    }

    fn mutate(&mut self, statement: &mut Vec<String>) {
        let at = self.below(statement.len());
        match self.below(8) {
            0 => drop(statement.splice(at..at, self.piece(10))),
            1 => {
                let end = (at + 1 + self.below(3)).min(statement.len());
                drop(statement.splice(at..end, self.piece(6)));
            }
            2 => {
                let end = (at + 1 + self.below(3)).min(statement.len());
                drop(statement.drain(at..end));
            }
            3 if !statement.is_empty() => {
                let other = self.below(statement.len());
                statement.swap(at, other);
            }
            4 => {
                statement.truncate(at);
                statement.extend(self.piece(usize::from(u8::MAX)));
            }
            5 => {
                let other = self.statement();
                if let (Some(here), Some(there)) = (self.group(statement), self.group(&other)) {
                    drop(statement.splice(here, other[there].iter().cloned()));
                }
            }
            6 => {
                let wrap = self.below(WRAPS.len());
                *statement = tokens(&WRAPS[wrap].replace("{}", &statement.concat()));
            }
            _ => {
                let word = self.below(self.words.len());
                if let Some(token) = statement.get_mut(at) {
                    token.clone_from(&self.words[word]);
                }
            }
        }
    }

    fn next(&mut self) -> String {
        let mut statement = self.statement();
        for _ in 0..=self.below(3) {
            self.mutate(&mut statement);
        }
        statement.concat()
    }
}

fn tokens(sql: &str) -> Vec<String> {
    let mut from = 0;
    let text = |token: helios_sql::lexer::Token| {
        // A symbol is one byte, which can be a part of a character.
        let piece = sql.get(from..token.range.end).unwrap_or("?").to_owned();
        from = token.range.end;
        piece
    };
    Lexer::new(sql.as_bytes()).map(text).collect()
}

/// What a statement was answered, as far as it came: a result can be cut off by a late error.
struct Told {
    passed: bool,
    text: String,
}

async fn ask(client: &Client, server: &Server, sql: &str) -> Told {
    let request = client.post(format!("{}/api/query", server.url())).body(json!({"query": sql}).to_string());
    let mut response = request.send().await.unwrap_or_else(|error| panic!("no answer to {sql}: {error}"));
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        text.extend_from_slice(&chunk);
    }
    Told { passed: response.status().is_success(), text: String::from_utf8_lossy(&text).into_owned() }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}: {text}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_escapes() {
    let time = Duration::from_secs(number("HELIOS_ESCAPE_SECONDS").unwrap_or(30));
    let seed = number("HELIOS_ESCAPE_SEED").unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    println!("HELIOS_ESCAPE_SEED={seed}");
    let (bait, corpus, database) = (Bait::lay().await, Corpus::read(), new_name());
    let data = tempfile::tempdir().unwrap();
    let none = Map::new();
    let engine = unconfined_engine(data.path(), &bait.secret);
    let writing = over_unconfined(&engine, &[("HELIOS_ALLOW_WRITES", "true")]);
    for statement in furnished(&database) {
        ask_http(&writing, &statement, &none).await.unwrap();
    }
    writing.stop().unwrap();
    // Where relative paths begin, and where files of users are.
    let inside = data.path().join("user_files");
    fs::create_dir_all(&inside).unwrap();
    for folder in [data.path(), &inside] {
        fs::write(folder.join("canary.txt"), format!("{}\n", bait.secret)).unwrap();
    }
    let settings = [
        ("HELIOS_QUERY_TIMEOUT", "1"),
        ("HELIOS_QUERY_MAX_MEMORY_MIB", "512"),
        ("HELIOS_QUERY_MAX_RESULT_MIB", "4"),
    ];
    let server = over_unconfined(&engine, &settings);
    let (client, mut mutator) = (Client::new(), Mutator::new(seed, &corpus));
    let (mut tried, mut passed) = (0, 0);
    let started = Instant::now();
    while started.elapsed() < time {
        let mut sql = bait.in_text(&mutator.next(), &database);
        if mutator.below(2) == 0 {
            let folder = [inside.to_str().unwrap(), "", "."][mutator.below(3)];
            sql = sql.replace(bait.folder(), folder);
        }
        let Told { passed: ran, text: told } = ask(&client, &server, &sql).await;
        let why = format!("HELIOS_ESCAPE_SEED={seed}, statement {tried}: {sql}");
        assert!(!told.contains(&bait.secret), "reads: {why}");
        assert_eq!(bait.canary.reached(), 0, "connects: {why}");
        assert_eq!(bait.left_behind(), Vec::<String>::new(), "writes: {why}");
        tried += 1;
        passed += u64::from(ran);
    }
    println!("{passed} of {tried} statements passed");
    assert!(passed * 100 > tried, "too few statements pass to show anything: {passed} of {tried}");
}
