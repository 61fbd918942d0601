//! A name in every place of an event where one may stand: for tests, here and of those who write logs.

use serde_json::Value;

/// Fields that hold no names of people, by the last parts of their path. Whatever is not here must not be readable.
const WITHOUT_NAMES: &[&str] = &[
    "kind",
    "of",
    "id",
    "privileges_beside",
    "other_grants",
    "decision",
    "spool",
    "report",
    "digest",
    "previous",
    "sha256",
    "policy",
    "version",
    // Who asks on a git host, and which.
    "tls.subject",
    "host",
    // What git knows: names of refs and paths, and ids.
    "ref",
    "ref_b64",
    "refs",
    "branch",
    "path",
    "paths",
    "paths.all",
    "old",
    "new",
    "from",
    "b64",
    // Rules, and what they say.
    "channel",
    "principal_kind",
    "roles",
    "role",
    "outcome",
    "code",
    "rule",
    "grant",
    "elevation",
    "waiver",
    "lifts",
    "privilege",
    "would",
    "verb",
    "end",
    "signature",
    "tip",
    "cause",
    "origin",
    "change",
    "call",
    // Of the daemon itself.
    "what",
    "set_aside",
    "source",
    "token",
    "form",
    "at",
    "to",
    "aliases",
    "next",
    "note",
    "keep",
    "older_than",
    // Of a pull request: what is merged, and what an approval is worth.
    "head",
    "worth",
    // Of a lease: what the policy says, and what tells a token from others.
    "workload",
    "verbs",
    "commit",
    "issuer",
    "token_expires",
    // Of a signal: who tells, of what, and what follows.
    "transmitter",
    "event",
    "effect",
    "stream",
    // Of a review: what it said of whom.
    "verdict",
    "review",
    "directory",
    // Of a reminder: of what.
    "about",
    "is",
    "may",
    "through",
    "finding",
    // Of a change in Bitbucket: what was given where; never in a person's own project.
    "stage",
    "step",
    "place",
    "group",
    "before",
    "after",
];

/// Puts names made of `word` into an event, and returns how many.
pub(crate) fn plant(event: &mut Value, word: &str) -> usize {
    let mut planted = 0;
    walk(event, &mut Vec::new(), &mut |path, text| {
        // What a job's token said is what the policy wants of it, to the letter.
        let is_claim = path.contains(".claims.");
        let is_without =
            is_claim || WITHOUT_NAMES.iter().any(|end| path == *end || path.ends_with(&format!(".{end}")));
        if is_without {
            return;
        }
        planted += 1;
        *text = match path.rsplit('.').next() {
            Some("repository" | "on") => format!("~{word}-{planted}/notes"),
            Some("actor" | "author") => format!("corp:{word}-{planted} ({word}-{planted})"),
            Some("reason") => format!("because {word}-{planted} left, says {word}-{planted}@example.com"),
            _ => format!("{word}-{planted}"),
        };
    });
    planted
}

/// Looks at every text, with the names of the fields that lead to it.
fn walk(value: &mut Value, path: &mut Vec<String>, look: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => look(&path.join("."), text),
        Value::Array(all) => all.iter_mut().for_each(|one| walk(one, path, look)),
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                walk(field, path, look);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
