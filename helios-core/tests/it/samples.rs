//! Samples with the shapes of real streams, and made-up ones: a table of what is inferred takes every event, and gives it back.

use helios_core::schema::InferOptions;
use jiff::Timestamp;

use crate::{chance::Chance, inference::kept, made_up};

/// `# NAME`, and then its events, a line each, as [`filled`] reads them.
const REAL: &str = include_str!("real_samples.txt");

/// How many samples are made up.
const MADE_UP: u64 = 200;

/// 2026-03-01 10:00:00 UTC.
const START: i64 = 1_772_359_200;

/// What stands for `<WORD ARGUMENTS>`; `i` is the number of the event.
fn value(word: &str, arguments: &str, i: i64, chance: &mut Chance) -> String {
    let number = |at: usize| -> i128 { arguments.split(' ').nth(at).unwrap().parse().unwrap() };
    let length = || usize::try_from(number(0)).unwrap();
    // Of one event all times are close together.
    let nanoseconds = i128::from(START + i * 37) * 1_000_000_000 + chance.from(0, 999_999_999);
    let time = |digits: usize| {
        let unit = 10_i128.pow(9 - u32::try_from(digits).unwrap());
        let time = Timestamp::from_nanosecond(nanoseconds / unit * unit).unwrap();
        format!("{time:.digits$}")
    };
    match word {
        "i" => i.to_string(),
        "int" => chance.from(number(0), number(1)).to_string(),
        "dec" => {
            let whole = chance.from(number(1), number(2) - 1);
            format!("{whole}.{}", chance.text("0123456789", length()))
        }
        "pick" => chance.of(&arguments.split('|').collect::<Vec<_>>()).to_string(),
        "bool" => chance.percent(50).to_string(),
        "hex" => chance.hex(length()),
        "digits" => chance.digits(length()),
        "b64" => chance.text("ABCXYZabcxyz0189+/", length()),
        "uuid" => chance.uuid(),
        "ip" => chance.ipv4(),
        "s" => (nanoseconds / 1_000_000_000).to_string(),
        "ms" => (nanoseconds / 1_000_000).to_string(),
        "us" => (nanoseconds / 1_000).to_string(),
        "ns" => nanoseconds.to_string(),
        "iso" => time(0),
        "iso3" => time(3),
        "iso6" => time(6),
        "iso9" => time(9),
        "local" => time(0).trim_end_matches('Z').to_owned(),
        _ => {
            assert_eq!(word, "date");
            time(0).split_once('T').unwrap().0.to_owned()
        }
    }
}

/// An event of a line: `<WORD ARGUMENTS>` stands for a value, `<?40 …?>` is there in 40 of 100 events.
fn filled(line: &str, i: i64, chance: &mut Chance) -> String {
    let Some((before, rest)) = line.split_once('<') else { return line.to_owned() };
    let (filling, rest) = match rest.strip_prefix('?') {
        Some(rest) => {
            let (part, rest) = rest.split_once("?>").unwrap();
            let (percent, part) = part.split_once(' ').unwrap();
            let is_there = chance.percent(percent.parse().unwrap());
            (if is_there { filled(part, i, chance) } else { String::new() }, rest)
        }
        None => {
            let (filling, rest) = rest.split_once('>').unwrap();
            let (word, arguments) = filling.split_once(' ').unwrap_or((filling, ""));
            (value(word, arguments, i, chance), rest)
        }
    };
    format!("{before}{filling}{}", filled(rest, i, chance))
}

/// The made-up events of a sample.
fn real(lines: &[&str], chance: &mut Chance) -> Vec<String> {
    let events = 20 + chance.below(81);
    (0..).take(events).map(|i| filled(chance.of::<&str>(lines), i, chance)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_takes_the_events_of_real_streams_and_gives_them_back() {
    let (mut count, mut wrong) = (0, Vec::new());
    for sample in REAL.split("# ").skip(1) {
        let (name, lines) = sample.split_once('\n').unwrap();
        count += 1;
        let events = real(&lines.lines().collect::<Vec<_>>(), &mut Chance::new(count));
        if let Err(what) = kept(&events, &InferOptions::default()).await {
            wrong.push(format!("{name}: {what}"));
        }
    }
    assert!(count >= 60, "only {count} samples");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_takes_the_events_of_made_up_streams_and_gives_them_back() {
    let mut wrong = Vec::new();
    for seed in 0..MADE_UP {
        let mut chance = Chance::new(seed);
        let events = made_up::events(&mut chance);
        let options = made_up::options(&mut chance);
        if let Err(what) = kept(&events, &options).await {
            wrong.push(format!("sample {seed}, {options:?}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {MADE_UP}:\n{}", wrong.len(), wrong.join("\n"));
}
