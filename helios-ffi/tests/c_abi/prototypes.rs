//! What `helios.h` declares.

use std::fs;

use crate::program::here;

/// A function of `helios.h`.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The type of what it returns.
    pub(crate) returns: String,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(crate) struct Argument {
    /// As it stands there: `const char *`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Whether its function says that it may be NULL.
    pub(crate) may_be_null: bool,
}

impl Function {
    /// Whether it may fail, and says so.
    pub(crate) fn may_fail(&self) -> bool {
        let takes_error = self.arguments.last().is_some_and(|last| last.kind == "helios_error **");
        assert!(!takes_error || self.returns == "helios_status", "{} has an error and no status", self.name);
        takes_error
    }
}

/// All of them, in the header's order.
pub(crate) fn functions() -> Vec<Function> {
    let header = fs::read_to_string(here("../include/helios.h")).unwrap();
    let (_, declared) = header.rsplit_once("extern \"C\" {").unwrap();
    let declared = declared.split_once("#endif").unwrap().1;
    declared.split("/**").skip(1).map(function).collect()
}

/// One of them, from the text of its comment on.
fn function(text: &str) -> Function {
    let (comment, rest) = text.split_once("*/").unwrap();
    let declaration = words(rest.split_once(';').unwrap().0);
    let comment = words(&comment.replace('*', " "));
    let (head, arguments) = declaration.strip_suffix(')').unwrap().split_once('(').unwrap();
    let (returns, name) = split_name(head);
    let arguments = arguments.split(',').filter(|argument| *argument != "void").map(|argument| {
        let (kind, name) = split_name(argument.trim());
        let may_be_null = name == "error"
            || kind == "void *"
            || [format!("`{name}`, or NULL"), format!("`{name}` may be NULL")]
                .iter()
                .any(|words| comment.contains(words));
        Argument { kind, name, may_be_null }
    });
    Function { name, returns, arguments: arguments.collect() }
}

/// `const char *sql` is a `const char *` of that name.
fn split_name(text: &str) -> (String, String) {
    let at = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap() + 1;
    let (kind, name) = text.split_at(at);
    (kind.trim().to_owned(), name.to_owned())
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
