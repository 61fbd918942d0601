use serde_json::{Value, json};

use super::{Commit, CommitWire, PullRequest};
use crate::Problem;

const HEAD: &str = "1111111111111111111111111111111111111111";
const ONTO: &str = "2222222222222222222222222222222222222222";
const EARLIER: &str = "3333333333333333333333333333333333333333";

fn reference(id: &str, hash: &str, project: &str) -> Value {
    let repository = json!({"slug": "api", "id": 7, "project": {"key": project, "id": 1}});
    json!({"id": id, "displayId": "x", "latestCommit": hash, "repository": repository, "type": "BRANCH"})
}

fn participant(name: &str, role: &str, approved: bool, status: &str, reviewed: Option<&str>) -> Value {
    let user =
        json!({"name": name, "id": 3, "slug": name, "active": true, "type": "NORMAL", "displayName": "x"});
    let mut one = json!({"user": user, "role": role, "approved": approved, "status": status});
    if let Some(reviewed) = reviewed {
        one["lastReviewedCommit"] = reviewed.into();
    }
    one
}

fn whole(reviewers: &[Value]) -> Value {
    json!({
        "id": 17, "version": 2, "title": "x", "state": "OPEN", "open": true, "closed": false, "locked": false,
        "fromRef": reference("refs/heads/topic", HEAD, "~bob"),
        "toRef": reference("refs/heads/main", ONTO, "PAY"),
        "author": participant("bob", "AUTHOR", false, "UNAPPROVED", None),
        "reviewers": reviewers,
        "participants": [participant("eve", "PARTICIPANT", false, "UNAPPROVED", None)],
        "links": {"self": [null]},
    })
}

fn read(value: &Value) -> Result<PullRequest, Problem> {
    PullRequest::parse(value.to_string().as_bytes())
}

#[test]
fn who_approves_is_read_with_what_they_looked_at() {
    let told = read(&whole(&[
        participant("Carol", "REVIEWER", true, "APPROVED", Some(HEAD)),
        participant("dave", "REVIEWER", true, "APPROVED", Some(EARLIER)),
        participant("erin", "REVIEWER", true, "APPROVED", None),
        participant("frank", "REVIEWER", false, "UNAPPROVED", Some(HEAD)),
        participant("grace", "REVIEWER", false, "NEEDS_WORK", Some(HEAD)),
        participant("heidi", "REVIEWER", true, "NEEDS_WORK", Some(HEAD)),
        participant("ivan", "REVIEWER", false, "APPROVED", Some(HEAD)),
    ]))
    .unwrap();
    let approvals: Vec<_> = told
        .approvals
        .iter()
        .map(|one| (one.by.as_str(), one.reviewed.map(|reviewed| reviewed.to_string())))
        .collect();
    let expected = [("Carol", Some(HEAD.to_owned())), ("dave", Some(EARLIER.to_owned())), ("erin", None)];
    assert_eq!(approvals, expected);
    assert_eq!((told.number, told.author.as_str()), (17, "bob"));
    assert_eq!((told.repository.as_str(), told.target.as_bytes()), ("PAY/api", &b"refs/heads/main"[..]));
    assert_eq!((told.head.to_string(), told.onto.to_string()), (HEAD.to_owned(), ONTO.to_owned()));
}

#[test]
fn what_is_not_understood_is_no_pull_request() {
    let changed = |pointer: &str, to: Value| {
        let mut value = whole(&[participant("carol", "REVIEWER", true, "APPROVED", Some(HEAD))]);
        *value.pointer_mut(pointer).unwrap() = to;
        read(&value)
    };
    assert!(changed("/reviewers/0/user/name", "dave".into()).is_ok());
    for (pointer, to) in [
        ("/reviewers/0/user/name", json!("")),
        ("/reviewers/0/user/name", json!("a\u{1b}b")),
        ("/reviewers/0/user/name", json!(7)),
        ("/reviewers/0/approved", json!("true")),
        ("/reviewers/0/lastReviewedCommit", json!("HEAD")),
        ("/reviewers", Value::Null),
        ("/author", Value::Null),
        ("/fromRef/latestCommit", json!("0".repeat(40))),
        ("/toRef/latestCommit", json!("abc")),
        ("/toRef/id", json!("main")),
        ("/toRef/repository/slug", json!("../x")),
        ("/id", json!(-1)),
    ] {
        let told = changed(pointer, to.clone());
        assert!(matches!(told, Err(Problem::Strange(_))), "{pointer} {to}: {told:?}");
    }
    for garbage in ["", "null", "[]", "{}", "<html>", "\u{0}"] {
        assert!(PullRequest::parse(garbage.as_bytes()).is_err(), "{garbage:?}");
    }
}

#[test]
fn commits_are_read_with_both_who_made_them() {
    let read = |value: Value| Commit::of(serde_json::from_value::<CommitWire>(value).unwrap());
    let both = json!({"id": HEAD, "author": {"name": "A", "emailAddress": "a@x"}, "committer": {"name": "C", "emailAddress": "c@x"}});
    assert_eq!(read(both).unwrap().emails, ["a@x".into(), "c@x".into()]);
    // Whoever it is.
    let neither = json!({"id": HEAD, "author": {"name": "A"}});
    assert_eq!(read(neither).unwrap().emails, ["".into(), "".into()]);
    assert!(read(json!({"id": "abc"})).is_err());
}
