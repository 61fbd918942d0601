use std::collections::BTreeSet;

use super::{
    circumstances,
    draft::Draft,
    grammar,
    list::{self, carries_no_refs, set},
    mentions::Mention,
    reader::{Report, TableReader, one_of},
    tree::{Node, Text},
};
use crate::{
    name::{RefName, Repository, RuleId, Username},
    printable::Printable,
    question::Question,
    reason::RefusalReason,
    request::{Channel, Verb},
    rule::{Asker, Because, Expectation, Supposed, TestCase, built_in_id},
};

/// A `push`, for help.
const PUSH: &str = "force PAY/api refs/heads/main";

/// Reads a `[[test]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let place = report.source.place_of(table.span.clone());
    let asker = asker(&mut table, draft, file, report);
    let push = table.require("push", &format!("\"{PUSH}\""), report);
    let push = push.and_then(|node| report.text("push", node)).and_then(|text| push_of(&text, report));
    let expect = table.require("expect", "\"refused:no-grant\"", report);
    let expect = expect.and_then(|node| report.text("expect", node));
    let expect = expect.and_then(|text| expectation(text, draft, file, report));
    let at = table.take("at").and_then(|node| report.moment("at", &node));
    let channel = channel(&mut table, report);
    let circumstances = circumstances::read(&mut table, draft, file, report);
    let supposed = Supposed {
        elevations: circumstances::in_use("elevations", Mention::Elevation, &mut table, draft, file, report),
        leases: circumstances::in_use("leases", Mention::Workload, &mut table, draft, file, report),
    };
    table.finish_as(&grammar::TEST, report);
    if let (Some(asker), Some((verb, repository, name)), Some(expect)) = (asker, push, expect) {
        let question = Question { repository, name, verb, channel, circumstances };
        draft.parts.tests.push(TestCase { asker, question, supposed, at, expect, place });
    }
}

fn asker<'a>(
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Option<Asker> {
    match (table.take("as"), table.take_with_key("user")) {
        (None, None) => {
            if !report.is_broken() {
                let help = "add `as = [\"developer\"]`, the roles of whoever asks, or `user = \"alice\"`";
                report.add(table.span.clone(), "a test has neither `as` nor `user`", Some(help.into()));
            }
            None
        }
        (Some(_), Some((key, _))) => {
            let help = "a test asks once: write a second one";
            report.add(key.span, "a test has both `as` and `user`", Some(help.into()));
            None
        }
        (None, Some((_, node))) => {
            let text = report.text("user", node)?;
            report.parse(text, Username::parse).map(|user| Asker::User(user.value))
        }
        // Somebody who holds no role is worth a test.
        (Some(node), None) if matches!(&node.value, Node::List(list) if list.is_empty()) => {
            Some(Asker::Roles(BTreeSet::new()))
        }
        (Some(node), None) => {
            let roles = list::roles("as", node, report)?;
            draft.mention_roles(&roles, file);
            Some(Asker::Roles(set(roles)))
        }
    }
}

/// `verb PROJECT/slug refs/…`; every part that is wrong is told.
fn push_of(text: &Text<'_>, report: &mut Report<'_, '_>) -> Option<(Verb, Repository, RefName)> {
    let parts: Vec<_> = text.value.split_whitespace().collect();
    let [verb, repository, name] = parts.as_slice() else {
        let message = format!("`{}` is no push", Printable::new(text.value.as_ref()));
        let help = format!("write the verb, the repository and the ref: `{PUSH}`");
        report.add(text.span.clone(), message, Some(help));
        return None;
    };
    let mut told = |message: String| report.add(text.span.clone(), message, None);
    let verb = verb_of(verb).map_err(&mut told).ok();
    let repository = Repository::parse(repository).map_err(|error| told(error.to_string())).ok();
    let of_ref = |error| format!("the ref `{}`: {error}", Printable::new(*name));
    let name = RefName::parse(name.as_bytes()).map_err(|error| told(of_ref(error))).ok();
    let (verb, repository, name) = (verb?, repository?, name?);
    if verb == Verb::Update && name.is_tag() {
        let help = "write `force`: that is what moving a tag is";
        report.add(text.span.clone(), "a tag is never updated", Some(help.into()));
        return None;
    }
    Some((verb, repository, name))
}

fn verb_of(text: &str) -> Result<Verb, String> {
    let known: Vec<_> = list::all_on_refs().iter().map(Verb::as_str).collect();
    if Verb::parse(text).is_some_and(carries_no_refs) {
        return Err(format!("`{text}` is about whole repositories, and no push"));
    }
    one_of(text, "verb", &known).and_then(|verb| Verb::parse(verb).ok_or_else(String::new))
}

/// `permitted`, `permitted:GRANT`, `refused`, `refused:CODE`, `refused:CODE:RULE`.
fn expectation<'a>(
    text: Text<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> Option<Expectation> {
    let read = report.parse(text, read_expectation)?;
    let mention = match &read.value {
        Expectation::Permitted(Some(grant)) => Some((grant.clone(), Mention::Grant)),
        Expectation::Refused(Some(Because { code: "blocked", rule: Some(rule) })) => {
            Some((rule.clone(), Mention::Block))
        }
        Expectation::Refused(Some(Because { rule: Some(rule), .. })) => {
            Some((rule.clone(), Mention::Require))
        }
        Expectation::Permitted(None) | Expectation::Refused(_) => None,
    };
    if let Some((rule, kind)) = mention {
        draft.mention_rule(rule, kind, file, read.span);
    }
    Some(read.value)
}

fn read_expectation(text: &str) -> Result<Expectation, String> {
    let mut parts = text.splitn(3, ':');
    let outcome = one_of(parts.next().unwrap_or_default(), "outcome", &["permitted", "refused"])?;
    let (first, second) = (parts.next(), parts.next());
    let id = |text: &str| RuleId::parse(text).map_err(|error| error.to_string());
    if outcome == "permitted" {
        return match second {
            None => Ok(Expectation::Permitted(first.map(id).transpose()?)),
            Some(_) => Err(format!("`{}` says too much: write `permitted:GRANT`", Printable::new(text))),
        };
    }
    let Some(code) = first else { return Ok(Expectation::Refused(None)) };
    let code = one_of(code, "reason for a refusal", &RefusalReason::CODES)?;
    match second {
        Some(_) if RefusalReason::WITHOUT_RULE.contains(&code) => {
            Err(format!("no rule says `{code}`, so `refused:{code}` is all that can be expected"))
        }
        rule => {
            let rule = rule.map(|rule| built_in_id(rule).map_or_else(|| id(rule), Ok)).transpose()?;
            Ok(Expectation::Refused(Some(Because { code, rule })))
        }
    }
}

fn channel<'a>(table: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Channel {
    let known = Channel::ALL.map(Channel::as_str);
    let text = table.take("channel").and_then(|node| report.text("channel", node));
    let parse = |text: &str| {
        one_of(text, "channel", &known).map(|name| Channel::parse(name).unwrap_or(Channel::Push))
    };
    text.and_then(|text| report.parse(text, parse)).map_or(Channel::Push, |channel| channel.value)
}
