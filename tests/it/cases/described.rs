//! What the HTTP server's description says of its answers, compared with the answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// What is described, and answered by no case: events that are lost, a shard on which a whole consumer does not end.
const NEVER_SEEN: &[(&str, &[&str])] =
    &[("GapReport", &["after", "before", "since"]), ("ShardProgress", &["error"])];

/// The names that objects of the description's types have had in answers.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) description: Value,
    seen: BTreeMap<String, BTreeSet<String>>,
    wrong: BTreeSet<String>,
}

impl Described {
    /// Looks at an answer of `/api/{path}`.
    pub(super) fn look(&mut self, method: &str, path: &str, status: u16, answer: &Value) {
        let responses =
            &self.description["paths"][format!("/api/{path}")][method.to_lowercase()]["responses"];
        let class = format!("{}XX", status / 100);
        let response = responses.get(status.to_string()).or_else(|| responses.get(&class));
        let schema = response.map(|response| response["content"]["application/json"]["schema"].clone());
        let Some(schema) = schema.filter(|schema| !schema.is_null()) else {
            self.wrong.insert(format!("{method} {path}: the answer {status} is not described"));
            return;
        };
        self.compare(&schema, answer, &format!("{method} {path} {status}"));
    }

    fn compare(&mut self, schema: &Value, value: &Value, place: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            let schema = self.schema(name);
            if let Some(object) = value.as_object() {
                self.seen.entry(name.to_owned()).or_default().extend(object.keys().cloned());
            }
            return self.compare(&schema, value, place);
        }
        if let Some(schemas) = schema["oneOf"].as_array() {
            let fitting = schemas.iter().find(|schema| value.is_null() == (schema["type"] == "null"));
            return self.compare(fitting.unwrap_or(&Value::Null), value, place);
        }
        if !is_of(&schema["type"], value) {
            self.wrong.insert(format!("{place}: {value} is no {}", schema["type"]));
        }
        match value {
            Value::Array(items) => {
                items.iter().for_each(|item| self.compare(&schema["items"], item, &format!("{place}[]")));
            }
            Value::Object(object) => self.compare_object(schema, object, place),
            _ => {}
        }
    }

    fn compare_object(&mut self, schema: &Value, object: &Map<String, Value>, place: &str) {
        let Some(properties) = schema["properties"].as_object() else { return };
        for (name, value) in object {
            match properties.get(name) {
                Some(schema) => self.compare(schema, value, &format!("{place}.{name}")),
                None => drop(self.wrong.insert(format!("{place}.{name} is not described"))),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                self.wrong.insert(format!("{place}.{name} is missing"));
            }
        }
    }

    fn schema(&self, name: &str) -> Value {
        self.description["components"]["schemas"][name].clone()
    }

    /// Every type that an answer may have, and those within.
    fn types(&self) -> BTreeSet<String> {
        let paths = self.description["paths"].as_object().into_iter().flat_map(Map::values);
        let operations = paths.filter_map(Value::as_object).flat_map(Map::values);
        let mut left: Vec<Value> = operations.map(|operation| operation["responses"].clone()).collect();
        let mut found = BTreeSet::new();
        while let Some(part) = left.pop() {
            if let Some(name) = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next())
                && found.insert(name.to_owned())
            {
                left.push(self.schema(name));
            }
            match part {
                Value::Array(parts) => left.extend(parts),
                Value::Object(parts) => left.extend(parts.into_iter().map(|(_, part)| part)),
                _ => {}
            }
        }
        found
    }

    /// Fails if an answer was not as described, or something is described that no answer has.
    pub(super) fn finish(mut self) {
        for name in self.types() {
            let schema = self.schema(&name);
            let described: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
            let never = NEVER_SEEN.iter().filter(|(of, _)| *of == name).flat_map(|(_, names)| *names);
            let never: BTreeSet<_> = never.map(|name| (*name).to_owned()).collect();
            let seen = self.seen.remove(&name).unwrap_or_default();
            let unseen: BTreeSet<_> = described.difference(&seen).cloned().collect();
            if unseen != never {
                self.wrong.insert(format!("{name}: no answer has {unseen:?}, expected of {never:?}"));
            }
        }
        let wrong: Vec<_> = self.wrong.into_iter().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Whether a value is of a type of the description: a name, names, or anything.
fn is_of(names: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    match names {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}
