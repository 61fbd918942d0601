use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    name::GroupName,
    snapshot::{Directory, Person},
};

/// Writes a directory so that [`super::parse_json`] reads the same one again: one line for each user and each group,
/// both in order, so that two of them can be compared line by line.
pub fn to_json(directory: &Directory) -> String {
    let mut people: Vec<_> = directory.people.iter().map(|person| (person.username.key(), person)).collect();
    people.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut json = String::from("{\"version\":1,\n\"users\":[");
    list(&mut json, people.iter().map(|(_, person)| user(person)));
    json.push_str("],\n\"groups\":[");
    list(&mut json, directory.groups.iter().map(|name| format!("{{\"name\":{}}}", group(name))));
    json.push_str("]}\n");
    json
}

fn list(json: &mut String, elements: impl Iterator<Item = String>) {
    for (index, element) in elements.enumerate() {
        json.push_str(if index == 0 { "\n" } else { ",\n" });
        json.push_str(&element);
    }
}

fn user(person: &Person) -> String {
    let mut json = format!("{{\"username\":{}", string(person.username.as_str()));
    for (key, value) in [("id", &person.id), ("name", &person.display_name)] {
        // Writing to memory cannot fail. The reader takes no empty texts: an empty one says what none says.
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            let _ = write!(json, ",\"{key}\":{}", string(value));
        }
    }
    let emails = person.emails.iter().map(|email| string(email)).collect::<Vec<_>>().join(",");
    let groups = person.groups.iter().map(group).collect::<Vec<_>>().join(",");
    let active = person.active;
    let _ = write!(json, ",\"emails\":[{emails}],\"active\":{active},\"groups\":[{groups}]");
    let ssh = person.keys.ssh.iter().map(|key| string(key.as_str())).collect::<Vec<_>>();
    let openpgp = person.keys.openpgp.iter().map(|key| string(&key.armored())).collect::<Vec<_>>();
    for (key, list) in [("ssh_keys", ssh), ("openpgp_keys", openpgp)] {
        if !list.is_empty() {
            let _ = write!(json, ",\"{key}\":[{}]", list.join(","));
        }
    }
    json + "}"
}

fn group(name: &GroupName) -> String {
    string(&format!("{}:{}", name.source(), name.name()))
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}
