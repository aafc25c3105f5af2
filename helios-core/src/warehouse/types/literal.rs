//! Which expressions are literals.

use super::{
    lexer::{Kind, Token, tokens},
    parse::MAX_DEPTH,
};

/// Whether an expression, as ClickHouse writes a column's `DEFAULT`, is a literal: a number, a text, `true`, `false`,
/// `NULL`, and of these `[…]`, `(…)`, `array(…)`, `tuple(…)`, `map(…)`, `CAST(…, 'type')` and `emptyArrayUInt8()`.
///
/// Such a one has one value, whenever it is asked for and whatever else a row has. Decided by its tokens, each of which
/// has its place here: what is not understood is no literal.
pub(crate) fn is_literal(expression: &str) -> bool {
    let Ok(tokens) = tokens(expression) else { return false };
    let mut reader = Reader { tokens: &tokens, depth: 0 };
    reader.literal().is_some() && reader.tokens.is_empty()
}

struct Reader<'a> {
    /// What is still to be read.
    tokens: &'a [Token<'a>],
    depth: usize,
}

impl Reader<'_> {
    fn literal(&mut self) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let is_read = self.value();
        self.depth -= 1;
        is_read
    }

    fn value(&mut self) -> Option<()> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        match &first.kind {
            Kind::Text(_) => Some(()),
            Kind::Number(number) => is_number(number).then_some(()),
            Kind::Sign('[') => self.list(']'),
            Kind::Sign('(') => self.list(')'),
            Kind::Word("true" | "false" | "NULL" | "nan" | "inf") => Some(()),
            Kind::Word("array" | "tuple" | "map") => {
                self.sign('(')?;
                self.list(')')
            }
            Kind::Word("CAST") => {
                self.sign('(')?;
                self.literal()?;
                self.sign(',')?;
                self.text()?;
                self.sign(')')
            }
            Kind::Word(word) if word.starts_with("emptyArray") => {
                self.sign('(')?;
                self.sign(')')
            }
            Kind::Word(_) | Kind::Name(_) | Kind::Sign(_) => None,
        }
    }

    /// Any number of literals, up to the sign that ends them.
    fn list(&mut self, end: char) -> Option<()> {
        if self.sign(end).is_some() {
            return Some(());
        }
        loop {
            self.literal()?;
            if self.sign(end).is_some() {
                return Some(());
            }
            self.sign(',')?;
        }
    }

    fn sign(&mut self, wanted: char) -> Option<()> {
        self.next_is(|kind| *kind == Kind::Sign(wanted))
    }

    fn text(&mut self) -> Option<()> {
        self.next_is(|kind| matches!(kind, Kind::Text(_)))
    }

    fn next_is(&mut self, wanted: impl Fn(&Kind<'_>) -> bool) -> Option<()> {
        let (_, rest) = self.tokens.split_first().filter(|(first, _)| wanted(&first.kind))?;
        self.tokens = rest;
        Some(())
    }
}

/// A number as ClickHouse writes one: `-1`, `0.5`, `-0.`, `1e-7`, `-inf`.
fn is_number(number: &str) -> bool {
    let number = number.strip_prefix('-').unwrap_or(number);
    if matches!(number, "inf" | "nan") {
        return true;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    digits(whole) && (fraction.is_empty() || digits(fraction)) && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the engine (26.7) has them in `system.columns`.
    #[test]
    fn literals_of_every_kind_are_literals() {
        for expression in [
            "5",
            "-9223372036854775808",
            "1.25",
            "-0.",
            "1e-7",
            "[0.1, -1e30, inf, -inf, nan]",
            "true",
            "NULL",
            "(3)",
            "'now()'",
            r#"'it\'s "x" '', \\ü🦀\n'"#,
            "[]",
            "[[1], []]",
            "['a', NULL]",
            "(1, 'x')",
            "[(1, '2024-01-01')]",
            "tuple(1, NULL)",
            "tuple()",
            "array(1, 18446744073709551615)",
            "map('a', map(1, 2))",
            "map()",
            "CAST('[1,2]', 'Array(Nullable(Int64))')",
            "CAST(CAST(7, 'UInt8'), 'Dynamic')",
            "emptyArrayUInt8()",
        ] {
            assert!(is_literal(expression), "{expression}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for expression in [
            "",
            "now()",
            "id",
            "`true`",
            "\"NULL\"",
            "1 + 2",
            "1 +2",
            "1 - 2",
            "1 -2",
            "-(5)",
            "- 5",
            "1, 2",
            "[1, 2",
            "[1, 2)",
            "[1,, 2]",
            "[1,]",
            "[id]",
            "(now(), 1)",
            "tuple(1, id)",
            "tuple",
            "map('a', rand())",
            "CAST(now(), 'DateTime')",
            "CAST('1', 'UInt8') + id",
            "CAST('1', type)",
            "CAST('1')",
            "CAST(now())",
            "emptyArrayToSingle([1])",
            "[1][1]",
            "(1, 2).1",
            "'a' 'b'",
            "'a' || id",
            "'a",
            "'a' -- b",
            "1 /* b */",
            "$$a$$",
            "'a\\q'",
            "1 ? 2 : 3",
            "x -> 1",
            "1e",
            "1e5.5",
            "0x1f",
            "1day",
            "INTERVAL 1 DAY",
            "infinity",
            "SELECT 1",
            "(SELECT 1)",
            "{x:UInt8}",
            "1; DROP TABLE t",
            "ü",
        ] {
            assert!(!is_literal(expression), "{expression}");
        }
    }

    #[test]
    fn as_deep_as_types_and_no_deeper() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_literal(&nested(MAX_DEPTH - 1)));
        assert!(!is_literal(&nested(MAX_DEPTH)) && !is_literal(&nested(100_000)));
    }

    mod properties {
        use proptest::prelude::*;

        use super::is_literal;

        fn literals() -> impl Strategy<Value = String> {
            let text = any::<String>().prop_map(|text| crate::warehouse::Literal(&text).to_string());
            let number = any::<f64>().prop_map(|number| format!("{number:e}"));
            let leaf = prop_oneof![
                text,
                number.prop_map(|number| number.to_lowercase()),
                any::<i64>().prop_map(|number| number.to_string()),
                Just("NULL".to_owned())
            ];
            leaf.prop_recursive(4, 16, 4, |inner| {
                let list = prop::collection::vec(inner, 0..4);
                (list, prop::sample::select(vec!["[…]", "(…)", "map(…)", "CAST([…], 'T')"]))
                    .prop_map(|(items, around)| around.replace('…', &items.join(", ")))
            })
        }

        proptest! {
            /// Wherever a call or a name gets in between the tokens, it is none.
            #[test]
            fn a_name_anywhere_makes_it_another_expression(literal in literals(), at in any::<prop::sample::Index>()) {
                prop_assert!(is_literal(&literal), "{}", literal);
                let tokens = super::tokens(&literal).unwrap();
                let at = at.index(tokens.len() + 1);
                let at = tokens.get(at).map_or(literal.len(), |token| token.start);
                for other in ["id", "now()", "`x`", "+", "1", "'x'", ";", "."] {
                    let (before, after) = literal.split_at(at);
                    let spliced = format!("{before} {other} {after}");
                    // A value alone may take the place of nothing: in an empty list.
                    let may_be = matches!(other, "1" | "'x'") && before.ends_with(['[', '(']);
                    prop_assert!(!is_literal(&spliced) || may_be, "{}", spliced);
                }
            }
        }
    }
}
