//! A program that calls every function of `helios.h` with each of its arguments wrong in every way that can be known. It is made
//! from the header, so a function that is added is in it.

use std::fmt::Write as _;

use crate::prototypes::{Argument, Function};

/// The text of the program. What it stands on is `c/abuse.h`.
pub(crate) fn program(functions: &[Function]) -> String {
    let mut text = String::from("#include \"abuse.h\"\n");
    for function in functions {
        write!(text, "\nstatic void abuse_{}(void) {{\n", function.name).unwrap();
        let lines = if function.may_fail() { that_may_fail(function) } else { that_cannot_fail(function) };
        for line in lines {
            writeln!(text, "    {line};").unwrap();
        }
        text.push_str("}\n");
    }
    text.push_str("\nint main(void) {\n    begin();\n");
    for function in functions {
        writeln!(text, "    abuse_{}();", function.name).unwrap();
    }
    text.push_str("    end();\n    return 0;\n}\n");
    text
}

/// A function that says by its status what is wrong.
fn that_may_fail(function: &Function) -> Vec<String> {
    let good: Vec<String> = function.arguments.iter().map(good).collect();
    let call = |wrong: usize, value: &str| {
        let mut values = good.clone();
        value.clone_into(&mut values[wrong]);
        format!("{}({})", function.name, values.join(", "))
    };
    let mut lines = vec![format!("PANICS({}({}))", function.name, good.join(", "))];
    let error = function.arguments.len() - 1;
    for (at, argument) in function.arguments.iter().enumerate().take(error) {
        let name = &argument.name;
        if argument.may_be_null {
            lines.push(format!("GOES_ON({})", call(at, "NULL")));
        } else if argument.kind.contains('*') || argument.kind.starts_with("helios_on_") {
            let call = call(at, "NULL");
            lines.push(format!("REFUSES({call}, HELIOS_STATUS_NULL_ARGUMENT, \"`{name}` is NULL\")"));
            lines.push(format!("REFUSES_SILENTLY({}, HELIOS_STATUS_NULL_ARGUMENT)", silent(&call)));
        }
        if argument.kind == "const char *" {
            let [bad, huge, endless] = ["BAD", "huge", "endless"].map(|text| call(at, text));
            let (utf8, long) = (
                format!("`{name}` is not UTF-8: the byte at offset 1"),
                format!("`{name}` is longer than 1073741824 bytes"),
            );
            lines.push(format!("REFUSES({bad}, HELIOS_STATUS_INVALID_UTF8, \"{utf8}\")"));
            lines.push(format!("GOES_ON({huge})"));
            lines.push(format!("REFUSES_ENDLESS({endless}, \"{long}\")"));
        }
        if name.ends_with("_json") {
            let [none, unknown, empty] =
                ["\"null\"", "\"{\\\"colour\\\": 1}\"", "\"{}\""].map(|text| call(at, text));
            let invalid = "HELIOS_STATUS_INVALID_INPUT";
            lines.push(format!("REFUSES({none}, {invalid}, \"`{name}` is not a JSON object\")"));
            lines.push(format!("REFUSES({unknown}, {invalid}, \"unknown field `colour`\")"));
            // Something has to be named.
            if name != "credentials_json" && !argument.may_be_null {
                lines.push(format!("REFUSES({empty}, {invalid}, \"\")"));
            }
        }
        for handle in not_a(&argument.kind) {
            let call = call(at, &handle);
            let says = format!("`{name}` is no `{}`", handle_type(&argument.kind).unwrap());
            lines.push(format!("REFUSES({call}, HELIOS_STATUS_INVALID_HANDLE, \"{says}\")"));
        }
    }
    lines
}

/// One that frees something, or tells something of an error: it does nothing, or tells nothing.
fn that_cannot_fail(function: &Function) -> Vec<String> {
    let nothing: Vec<&str> = function.arguments.iter().map(|_| "NULL").collect();
    let call = format!("{}({})", function.name, nothing.join(", "));
    // What it makes, when nothing is wrong with it, is not lost.
    let call =
        if function.name == "helios_config_new" { format!("helios_config_free({call})") } else { call };
    let mut lines = vec![format!("(void)({call})"), format!("PANICS_SILENTLY({call})")];
    for argument in &function.arguments {
        lines.extend(not_a(&argument.kind).into_iter().map(|handle| format!("{}({handle})", function.name)));
    }
    lines
}

/// What there is nothing wrong with.
fn good(Argument { kind, name, .. }: &Argument) -> String {
    match (kind.as_str(), name.as_str()) {
        ("const helios_client *", _) => "client",
        ("const helios_config *" | "helios_config *", _) => "config",
        ("const helios_consumer *", _) => "consumer",
        ("const char *", "sql") => "\"SELECT 1\"",
        ("const char *", "format") => "\"csv\"",
        ("const char *", "stream") => "\"clicks\"",
        ("const char *", "key") => "\"data_path\"",
        ("const char *", "value") => "\"x\"",
        ("const char *", "options_json" | "spec_json" | "credentials_json") => "\"{}\"",
        ("char **", _) => "&json",
        ("helios_client **", _) => "&other",
        ("helios_consumer **", _) => "&another",
        ("struct ArrowArrayStream *", _) => "&stream",
        ("helios_error **", _) => "&error",
        ("void *", "user") => "NULL",
        ("helios_on_bytes", _) => "on_bytes",
        ("helios_on_row", _) => "on_row",
        ("helios_on_progress", _) => "on_progress",
        ("helios_on_log", _) => "on_log",
        ("helios_log_level", _) => "HELIOS_LOG_OFF",
        ("double", "seconds") => "0",
        _ => panic!("what is good for `{kind}{name}`? Say so here"),
    }
    .to_owned()
}

/// `call` by somebody who does not ask why.
fn silent(call: &str) -> String {
    call.replace("&error)", "NULL)")
}

/// `helios_client`, of a pointer to one.
fn handle_type(kind: &str) -> Option<&str> {
    let kind = kind.trim_start_matches("const ").strip_suffix(" *")?;
    ["helios_client", "helios_config", "helios_consumer"].contains(&kind).then_some(kind)
}

/// Handles that are none of this type: one that was freed, one of another type, a pointer to something, a number.
fn not_a(kind: &str) -> Vec<String> {
    let Some(handle) = handle_type(kind) else { return Vec::new() };
    let another = if handle == "helios_client" { "config" } else { "client" };
    ["freed", another, "&canary", "(intptr_t)-1"]
        .map(|value| match value {
            "freed" => format!("freed_{}", handle.trim_start_matches("helios_")),
            "(intptr_t)-1" => format!("({handle} *){value}"),
            _ => format!("({handle} *)(intptr_t){value}"),
        })
        .into()
}
