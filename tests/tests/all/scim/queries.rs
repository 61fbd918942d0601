//! What is found, and how much of it is told at once.

use serde_json::{Value, json};

use super::{Company, patch, user};

fn ids(body: &Value) -> Vec<String> {
    let resources = body["Resources"].as_array().unwrap();
    resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_go_over_users_and_groups() {
    let company = Company::new();
    let (users, group) = company.developers(&["alice", "bob", "carol"]);
    let other = company.okta.post("/Groups", &json!({"displayName": "ENG"})).id(201);
    let all: Vec<_> = users.iter().chain([&group, &other]).cloned().collect();
    for (start, count, on_page) in [(1, 2, 0..2), (3, 2, 2..4), (4, 100, 3..5), (1, 0, 0..0), (6, 9, 0..0)] {
        let asked = json!({"startIndex": start, "count": count});
        let found = company.okta.post("/.search", &asked);
        assert_eq!(found.expect(200).body["totalResults"], json!(5));
        assert_eq!(ids(&found.body), all[on_page], "{asked}");
    }
    // Of one kind alone; nobody is called `.search`.
    let of_kind =
        |kind: &str| ids(&company.okta.post(&format!("/{kind}/.search"), &json!({})).expect(200).body);
    assert_eq!((of_kind("Users"), of_kind("Groups")), (users.clone(), vec![group.clone(), other.clone()]));
    let named = company.okta.post("/Users/.search", &json!({"filter": "userName eq \"BOB\""}));
    assert_eq!(ids(&named.expect(200).body), users[1..2]);
    company.okta.get("/Users/.search").expect(405);
    let found = |query: &str| ids(&company.okta.get(query).expect(200).body);
    // In any case, as it is compared.
    assert_eq!(found("/Groups?filter=displayName%20eq%20%22Eng%22"), [group.clone(), other.clone()]);
    let both = "/Groups?filter=displayName%20eq%20%22eng%22%20and%20externalId%20pr";
    assert_eq!(found(both), Vec::<String>::new());
    company.okta.patch(
        &format!("/Groups/{other}"),
        &patch(&json!([
            {"op": "replace", "path": "displayName", "value": "ops"}
        ])),
    );
    assert_eq!(found("/Groups?filter=displayName%20eq%20%22ENG%22"), std::slice::from_ref(&group));
    assert_eq!(found("/Groups?filter=displayName%20eq%20%22ops%22"), [other]);
    let by_member = format!("/Groups?filter=members%20eq%20%22{}%22", users[1]);
    assert_eq!(found(&by_member), std::slice::from_ref(&group));
    assert_eq!(found("/Users?filter=groups.display%20eq%20%22eng%22&startIndex=2"), users[1..]);
    company.okta.delete(&format!("/Groups/{group}")).expect(204);
    assert_eq!(found("/Groups?filter=displayName%20eq%20%22eng%22"), Vec::<String>::new());
    assert_eq!(found(&by_member), Vec::<String>::new());
}

/// Each answer is of one moment, whatever is pushed meanwhile: who is there all the time is in each of them once, and nobody is
/// in a group that says otherwise.
#[test]
fn what_is_asked_for_while_changes_go_on_is_of_one_moment() {
    let company = Company::new();
    let names: Vec<_> = (0..12).map(|number| format!("u{number:02}")).collect();
    let (staying, group) = company.developers(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let pushing = company.okta.again(&company.daemon);
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..30 {
                let passing = pushing.post("/Users", &user(&format!("passing-{round}"))).id(201);
                let member = |op: &str| {
                    let one = patch(&json!([{"op": op, "path": "members", "value": [{"value": passing}]}]));
                    pushing.patch(&format!("/Groups/{group}"), &one).expect(200);
                };
                member("add");
                member("remove");
                pushing.delete(&format!("/Users/{passing}")).expect(204);
            }
            ended.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let mut looks = 0;
        while !ended.load(std::sync::atomic::Ordering::SeqCst) || looks < 5 {
            let all = company.okta.post("/.search", &json!({})).expect(200).body.clone();
            let listed = company.okta.get("/Users").expect(200).body.clone();
            for (found, with_group) in [(all, 1), (listed, 0)] {
                let found_ids = ids(&found);
                let mut once = found_ids.clone();
                once.sort();
                once.dedup();
                assert_eq!(
                    (once.len(), found["totalResults"].as_u64()),
                    (found_ids.len(), Some(once.len() as u64)),
                    "{found}"
                );
                assert!(staying.iter().all(|id| once.contains(id)), "{found}");
                assert!(once.len() <= staying.len() + 1 + with_group, "one comes and goes: {found}");
            }
            looks += 1;
        }
    });
    assert_eq!(ids(&company.okta.get("/Users").expect(200).body), staying);
}

/// Whoever pushes to a large group need not be told all of it each time.
#[test]
fn a_large_group_is_shown_after_a_change_where_somebody_wants_to_see_it() {
    let company = Company::new();
    let names: Vec<_> = (0..21).map(|number| format!("u{number}")).collect();
    let (ids, group) = company.developers(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let extra = company.okta.post("/Users", &user("extra")).id(201);
    let path = format!("/Groups/{group}");
    let change =
        |op: &str, id: &str| patch(&json!([{"op": op, "path": "members", "value": [{"value": id}]}]));
    let large = company.okta.patch(&path, &change("add", &extra));
    assert!(large.expect(204).body.is_null() && large.head.contains("etag: w/\"2\""), "{large:?}");
    for (query, members) in
        [("?attributes=members", 21), ("?attributes=displayName", 0), ("?excludedAttributes=members", 0)]
    {
        let op = if members > 0 { "remove" } else { "add" };
        let shown = company.okta.patch(&format!("{path}{query}"), &change(op, &extra));
        assert_eq!(shown.expect(200).body["members"].as_array().map_or(0, Vec::len), members, "{query}");
    }
    company.okta.patch(&path, &change("remove", &extra)).expect(204);
    let small = company.okta.patch(&path, &change("remove", &ids[0]));
    assert_eq!(small.expect(200).body["members"].as_array().unwrap().len(), 20);
}
