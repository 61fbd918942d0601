//! Every answer, as people and as programs read it.

use oam_proto::v1::{
    Feed, ImportDone, ListPoliciesResponse, ListSnapshotsResponse, PolicyFile, PolicyInfo,
    PreviewSourceResponse, PreviewedGroup, PreviewedUser, RollBackSnapshotResponse, ShowPolicyResponse,
    SnapshotChange, SnapshotInfo, Source, SourceToken, Status, User, UserChanged, UserDiff,
    snapshot_change::Change,
};

use super::{
    explain::{self, Question},
    faults, import,
    policy::{self},
    samples::{self, faults, hours_ago, json_line, page},
    snapshot::{self, DiffCount},
    status::{self, StatusJson},
    user::{self, ChangedJson, UserJson},
};

#[test]
fn status_of_a_ready_daemon() {
    let status = samples::status();
    insta::assert_snapshot!(status::text(&status, &page()), @"
    oamd 0.1.0 on oam.example.com/node-1: ready
    warning: The directory is 3 hours old.
      started  2026-11-19T13:21:14Z (4 days ago)
      state    /var/lib/oam
      pushes   1,000 permitted, 20 refused

    Directory: generation 12 (beefbeefbeef)
      holds    50,000 users (49,800 active), 300 groups, 120,000 memberships
      cut off  1 user by command
      came by  import by `uid 0`
      as of    2026-11-23T14:21:14Z (3 hours ago)
      changed  2026-11-23T15:21:14Z (2 hours ago)
      reason   CHG-7

    Policy: c0ffee00c0ff
      holds    3 roles, 4 grants, 1 block
      came by  apply by `uid 0`
      loaded   2026-11-20T17:21:14Z (3 days ago)
      reason   year-end freeze
      follows  /etc/oam/policy

    Audit log: writable
      entries  1,234
      root     abababababababababababababababababababababababababababababababab

    Collectors: not all take it
    collector  kind    waiting
    siem       syslog  234
    ");
    insta::assert_snapshot!(json_line(&StatusJson::from(&status)), @r#"{"ready":true,"version":"0.1.0","node":"oam.example.com/node-1","state_dir":"/var/lib/oam","started":"2026-11-19T13:21:14.000000Z","snapshot":{"generation":12,"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","as_of":"2026-11-23T14:21:14.000000Z","users":50000,"active_users":49800,"groups":300,"memberships":120000,"revocations":1,"cause":"import","actor":"uid 0","reason":"CHG-7","changed":"2026-11-23T15:21:14.000000Z"},"policy":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","in_force":true,"loaded":"2026-11-20T17:21:14.000000Z","origin":"apply","author":"uid 0","reason":"year-end freeze","path":"/etc/oam/policy","roles":3,"grants":4,"blocks":1,"requires":0,"waivers":0,"approvals":0,"approved_by":[],"unapproved":false},"audit":{"writable":true,"entries":1234,"root":"abababababababababababababababababababababababababababababababab","checkpoint":"node\n1\nx\n\n— sig\n"},"collectors":[{"name":"siem","kind":"syslog","taken":1000,"waiting":234,"waits_ms":90000,"trouble":"the connection broke"}],"pushes":{"permitted":1000,"refused":20,"undecided":0},"warnings":["The directory is 3 hours old."],"alarms":[]}"#);
}

#[test]
fn status_of_an_empty_daemon() {
    let status = Status { version: "0.1.0".into(), node: "node-1".into(), ..Status::default() };
    insta::assert_snapshot!(status::text(&status, &page()), @"
    oamd 0.1.0 on node-1: not ready: it cannot permit any push
      started  -
      pushes   none since then

    Directory: none
      to do  load one with `oam snapshot import FILE`

    Policy: none
      to do  load one with `oam policy apply PATH --reason …`

    Audit log: none
    ");
    insta::assert_snapshot!(json_line(&StatusJson::from(&status)), @r#"{"ready":false,"version":"0.1.0","node":"node-1","state_dir":null,"started":null,"snapshot":null,"policy":null,"audit":null,"collectors":[],"pushes":{"permitted":0,"refused":0,"undecided":0},"warnings":[],"alarms":[]}"#);
}

#[test]
fn imports() {
    let done =
        ImportDone { snapshot: Some(samples::snapshot()), added: 3, removed: 0, changed: 1, dry_run: false };
    insta::assert_snapshot!(import::done_text(&done, "users.json", &page()), @"
    `users.json` was imported as generation 12 (beefbeefbeef).
      users    3 added, 1 changed
      holds    50,000 users (49,800 active), 300 groups, 120,000 memberships
      cut off  1 user by command
      came by  import by `uid 0`
    ");
    insta::assert_snapshot!(json_line(&import::done_json(&done)), @r#"{"imported":true,"dry_run":false,"snapshot":{"generation":12,"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","as_of":"2026-11-23T14:21:14.000000Z","users":50000,"active_users":49800,"groups":300,"memberships":120000,"revocations":1,"cause":"import","actor":"uid 0","reason":"CHG-7","changed":"2026-11-23T15:21:14.000000Z"},"added":3,"removed":0,"changed":1,"faults_total":0,"faults":[]}"#);
    let dry = ImportDone { dry_run: true, added: 0, changed: 0, ..done };
    insta::assert_snapshot!(import::done_text(&dry, "users.json", &page()), @"
    `users.json` is good. It would become generation 12; nothing was changed.
      users    none added, removed or changed
      holds    50,000 users (49,800 active), 300 groups, 120,000 memberships
      cut off  1 user by command
      came by  import by `uid 0`
    ");
    insta::assert_snapshot!(faults::text(&faults(), "nothing was changed.", &page()), @r#"
    fault: `okta:` is no group
      --> users.json:12:9
       |
    12 |     "okta:"
       |         ^^
       help: write `source:name`

    1 fault; nothing was changed.
    "#);
    insta::assert_snapshot!(json_line(&import::faults_json(&faults(), true)), @r#"{"imported":false,"dry_run":true,"snapshot":null,"added":0,"removed":0,"changed":0,"faults_total":1,"faults":[{"file":"users.json","line":12,"column":9,"length":2,"message":"`okta:` is no group","help":"write `source:name`","excerpt":"    \"okta:\""}]}"#);
}

#[test]
fn users_in_a_list() {
    let active = User { active: true, in_directory: true, revocation: None, ..samples::user() };
    let gone = User { active: false, active_at_source: false, groups: Vec::new(), ..active.clone() };
    let lines = [active, gone, samples::user()].map(|user| user::line(&user, &page())).concat();
    insta::assert_snapshot!(lines, @"
    active       ada                       okta:eng, okta:release
    deactivated  ada
    cut off      ada                       okta:eng, okta:release
    ");
}

#[test]
fn differences() {
    let diff = UserDiff {
        username: "ada".into(),
        activity_changed: true,
        active: false,
        joined: vec!["okta:ops".into()],
        left: vec!["okta:eng".into(), "okta:x".into()],
        details: true,
    };
    let changes = [
        Change::UserAdded("bob".into()),
        Change::UserRemoved("eve".into()),
        Change::UserChanged(diff),
        Change::GroupAdded("okta:ops".into()),
        Change::GroupRemoved("okta:x".into()),
    ]
    .map(|change| SnapshotChange { change: Some(change) });
    let mut count = DiffCount::default();
    changes.iter().for_each(|change| count.add(change));
    let lines: String = changes.iter().map(|change| snapshot::change_text(change, &page())).collect();
    insta::assert_snapshot!(lines + &count.text(), @"
    + user   bob
    - user   eve
    ~ user   ada: no longer active; joined okta:ops; left okta:eng, okta:x; other details
    + group  okta:ops
    - group  okta:x
    users: 1 added, 1 removed, 1 changed; groups: 1 added, 1 removed
    ");
    let lines: Vec<_> = changes.iter().map(|change| json_line(&snapshot::change_json(change))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"change":"user-added","username":"bob"}
    {"change":"user-removed","username":"eve"}
    {"change":"user-changed","username":"ada","active":false,"joined":["okta:ops"],"left":["okta:eng","okta:x"],"details":true}
    {"change":"group-added","group":"okta:ops"}
    {"change":"group-removed","group":"okta:x"}
    "#);
    insta::assert_snapshot!(DiffCount::default().text(), @"users: no difference; groups: no difference");
}

#[test]
fn histories() {
    let older = SnapshotInfo {
        generation: 9,
        cause: "user-deactivated".into(),
        reason: String::new(),
        ..samples::snapshot()
    };
    let list = ListSnapshotsResponse { snapshots: vec![samples::snapshot(), older] };
    insta::assert_snapshot!(snapshot::history_text(&list, &page()), @"
    GENERATION  CHANGED               AGE          USERS   ACTIVE  CAUSE             BY     REASON
    12          2026-11-23T15:21:14Z  2 hours ago  50,000  49,800  import            uid 0  CHG-7
    9           2026-11-23T15:21:14Z  2 hours ago  50,000  49,800  user-deactivated  uid 0
    ");
    let older = PolicyInfo {
        in_force: false,
        digest: "0".repeat(64),
        origin: "starter".into(),
        reason: String::new(),
        loaded_micros: hours_ago(200),
        ..samples::policy()
    };
    let list = ListPoliciesResponse { policies: vec![samples::policy(), older] };
    insta::assert_snapshot!(policy::history_text(&list, &page()), @"
       DIGEST        LOADED                AGE         ORIGIN   BY     REASON
    *  c0ffee00c0ff  2026-11-20T17:21:14Z  3 days ago  apply    uid 0  year-end freeze
       000000000000  2026-11-15T09:21:14Z  8 days ago  starter  uid 0
    ");
    insta::assert_snapshot!(json_line(&policy::history_json(&ListPoliciesResponse::default())), @r#"{"policies":[]}"#);
}

#[test]
fn rolling_back_says_who_stays_cut_off() {
    let response = RollBackSnapshotResponse {
        snapshot: Some(samples::snapshot()),
        cut_off_since: vec!["ada".into(), "eve".into()],
    };
    insta::assert_snapshot!(snapshot::rollback_text(&response, 5, false, &page()), @"
    Done. The directory is as it was in generation 5, now as generation 12 (beefbeefbeef).
      holds    50,000 users (49,800 active), 300 groups, 120,000 memberships
      cut off  1 user by command
      came by  import by `uid 0`
    Deactivated or removed since then, and still cut off: 2 people
      ada
      eve
    Give one of them access again with `oam user reactivate NAME --reason …`.
    ");
    insta::assert_snapshot!(snapshot::rollback_text(&response, 5, true, &page()), @"
    Done. The directory is as it was in generation 5, now as generation 12 (beefbeefbeef).
      holds    50,000 users (49,800 active), 300 groups, 120,000 memberships
      cut off  1 user by command
      came by  import by `uid 0`
    Deactivated or removed since then, and given access again: 2 people
      ada
      eve
    ");
    insta::assert_snapshot!(json_line(&snapshot::rollback_json(&response, false)), @r#"{"snapshot":{"generation":12,"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","as_of":"2026-11-23T14:21:14.000000Z","users":50000,"active_users":49800,"groups":300,"memberships":120000,"revocations":1,"cause":"import","actor":"uid 0","reason":"CHG-7","changed":"2026-11-23T15:21:14.000000Z"},"cut_off_since":["ada","eve"],"reactivated":false}"#);
}

#[test]
fn one_user() {
    insta::assert_snapshot!(user::text(&samples::user(), &page()), @"
    ada: cut off by command
      name       Ada Lovelace
      id         00u1
      e-mail     ada@example.com
      directory  active
      groups     okta:eng, okta:release
      roles      developer
      cut off    2026-11-23T16:21:14Z (60 minutes ago) by `uid 0`
      reason     left the company
    ");
    insta::assert_snapshot!(json_line(&UserJson::from(&samples::user())), @r#"{"username":"ada","id":"00u1","display_name":"Ada Lovelace","emails":["ada@example.com"],"active":false,"active_at_source":true,"groups":["okta:eng","okta:release"],"roles":["developer"],"revocation":{"at":"2026-11-23T16:21:14.000000Z","by":"uid 0","reason":"left the company"},"in_directory":true}"#);
    let stranger = User { username: "bot".into(), ..User::default() };
    insta::assert_snapshot!(user::text(&stranger, &page()), @"
    bot: not in the directory
      directory  does not know the name
      groups     none
      roles      none
    ");
}

#[test]
fn cutting_off_and_lifting() {
    let changed =
        UserChanged { user: Some(samples::user()), snapshot: Some(samples::snapshot()), changed: true };
    insta::assert_snapshot!(user::deactivated_text(&changed, "ada", &page()), @"
    `ada` is cut off: stored, recorded and in force.
      name       Ada Lovelace
      id         00u1
      e-mail     ada@example.com
      directory  active
      groups     okta:eng, okta:release
      roles      developer
      cut off    2026-11-23T16:21:14Z (60 minutes ago) by `uid 0`
      reason     left the company
    The directory is at generation 12 (beefbeefbeef).
    ");
    insta::assert_snapshot!(json_line(&ChangedJson::from(&changed)), @r#"{"changed":true,"user":{"username":"ada","id":"00u1","display_name":"Ada Lovelace","emails":["ada@example.com"],"active":false,"active_at_source":true,"groups":["okta:eng","okta:release"],"roles":["developer"],"revocation":{"at":"2026-11-23T16:21:14.000000Z","by":"uid 0","reason":"left the company"},"in_directory":true},"snapshot":{"generation":12,"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","as_of":"2026-11-23T14:21:14.000000Z","users":50000,"active_users":49800,"groups":300,"memberships":120000,"revocations":1,"cause":"import","actor":"uid 0","reason":"CHG-7","changed":"2026-11-23T15:21:14.000000Z"}}"#);
    let unchanged = UserChanged { changed: false, user: None, snapshot: None };
    insta::assert_snapshot!(user::deactivated_text(&unchanged, "ada", &page()), @"`ada` was cut off already; nothing has changed.");
    let left = User { revocation: None, active_at_source: false, ..samples::user() };
    let lifted = UserChanged { user: Some(left), ..changed };
    insta::assert_snapshot!(user::reactivated_text(&lifted, "ada", &page()), @"
    `ada` is no longer cut off by command.
      name       Ada Lovelace
      id         00u1
      e-mail     ada@example.com
      directory  deactivated
      groups     okta:eng, okta:release
      roles      developer
    The directory is at generation 12 (beefbeefbeef).
    They still have no access: the directory does not know them as active.
    ");
}

#[test]
fn a_policy_with_its_files() {
    let file = PolicyFile { name: "a.toml".into(), text: "version = 1\n\tre = 're:\\d+'\n".into() };
    let response = ShowPolicyResponse { policy: Some(samples::policy()), files: vec![file] };
    insta::assert_snapshot!(policy::show_text(&response, &page()), @r"
    Policy: c0ffee00c0ff, in force
      digest   c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00
      holds    3 roles, 4 grants, 1 block
      came by  apply by `uid 0`
      loaded   2026-11-20T17:21:14Z (3 days ago)
      reason   year-end freeze
      follows  /etc/oam/policy

    # a.toml
    version = 1
        re = 're:\d+'
    ");
    insta::assert_snapshot!(json_line(&policy::show_json(&response)), @r#"{"policy":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","in_force":true,"loaded":"2026-11-20T17:21:14.000000Z","origin":"apply","author":"uid 0","reason":"year-end freeze","path":"/etc/oam/policy","roles":3,"grants":4,"blocks":1,"requires":0,"waivers":0,"approvals":0,"approved_by":[],"unapproved":false},"files":[{"name":"a.toml","text":"version = 1\n\tre = 're:\\d+'\n"}]}"#);
}

#[test]
fn explanations() {
    let question =
        Question { repository: "PAY/api", name: b"refs/heads/main", verb: "update", verbose: false };
    for explanation in [samples::refused(), samples::permitted()] {
        let decision = explanation.decision.as_ref().unwrap();
        if explanation.grant.is_empty() {
            insta::assert_snapshot!(explain::text(&explanation, decision, question, &page()), @"
            refused: ada update `refs/heads/main` in PAY/api
              roles      developer
              policy     c0ffee00c0ff
              directory  generation 12 (beefbeefbeef), as of 2026-11-23T14:21:14Z (3 hours ago)

            Because:
              Updating it is blocked by rule `year-end-freeze` until 2027-01-05 00:00 UTC. [blocked]
                Urgent fixes: #release.

            Who can help: #platform

            RULE                   ID               MATCHES  WHY NOT
            block                  year-end-freeze  yes
            block (evaluate only)  signed           no       its verbs do not include `update`
            grant                  main             yes
            ");
            insta::assert_snapshot!(json_line(&explain::json(&explanation, decision, question)), @r##"{"outcome":"refused","username":"ada","repository":"PAY/api","ref":"refs/heads/main","verb":"update","roles":["developer"],"grant":null,"through_role":null,"reasons":[],"refs":[{"ref":"refs/heads/main","outcome":"refused","verb":"update","reasons":[{"code":"blocked","rule":"year-end-freeze","summary":"Updating it is blocked by rule `year-end-freeze` until 2027-01-05 00:00 UTC.","hint":"Urgent fixes: #release."}]}],"contact":"#platform","otherwise":null,"supposing":[],"rules":[{"kind":"block","id":"year-end-freeze","matched":true,"why_not":null,"evaluate_only":false,"findings":[{"dimension":"ref","ok":true,"detail":"its refs are `refs/heads/main`"},{"dimension":"verb","ok":true,"detail":""}],"conditions":[],"lifted_by":null},{"kind":"block","id":"signed","matched":false,"why_not":"its verbs do not include `update`","evaluate_only":true,"findings":[{"dimension":"ref","ok":true,"detail":"its refs are `refs/heads/main`"},{"dimension":"verb","ok":false,"detail":"its verbs do not include `update`"}],"conditions":[],"lifted_by":null},{"kind":"grant","id":"main","matched":true,"why_not":null,"evaluate_only":false,"findings":[{"dimension":"ref","ok":true,"detail":"its refs are `refs/heads/main`"},{"dimension":"verb","ok":true,"detail":""}],"conditions":[],"lifted_by":null}],"policy":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","snapshot":{"generation":12,"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","as_of":"2026-11-23T14:21:14.000000Z","users":50000,"active_users":49800,"groups":300,"memberships":120000,"revocations":1,"cause":"import","actor":"uid 0","reason":"CHG-7","changed":"2026-11-23T15:21:14.000000Z"}}"##);
        } else {
            insta::assert_snapshot!(explain::text(&explanation, decision, question, &page()), @"
            permitted: ada update `refs/heads/main` in PAY/api
              roles      developer
              by         the grant `main`, through the role `developer`
              policy     c0ffee00c0ff
              directory  generation 12 (beefbeefbeef), as of 2026-11-23T14:21:14Z (3 hours ago)

            RULE                   ID               MATCHES  WHY NOT
            block                  year-end-freeze  yes
            block (evaluate only)  signed           no       its verbs do not include `update`
            grant                  main             yes
            ");
        }
    }
}

#[test]
fn a_ref_that_is_no_text_is_base64_in_json() {
    let question =
        Question { repository: "PAY/api", name: b"refs/heads/\xff", verb: "create", verbose: false };
    let explanation = samples::permitted();
    let decision = explanation.decision.as_ref().unwrap();
    let json = json_line(&explain::json(&explanation, decision, question));
    assert!(json.contains("\"ref_b64\":\"cmVmcy9oZWFkcy//\""), "{json}");
    assert!(!json.contains("\"ref\":"));
}

#[test]
fn sources() {
    let token = SourceToken {
        id: "1a2b3c4d".into(),
        created_micros: hours_ago(48),
        created_by: "uid 0".into(),
        expires_micros: hours_ago(-48),
        last_used_micros: hours_ago(1),
        expired: false,
    };
    let okta = Source {
        name: "okta".into(),
        kind: "scim".into(),
        seen_micros: hours_ago(1),
        max_age_millis: 7_200_000,
        users: 1_200,
        groups: 40,
        gone: 3,
        unusable: 2,
        changes: 5,
        username: "emails".into(),
        username_suffix: "@example.com".into(),
        group: "displayName".into(),
        path: "/scim/v2/okta".into(),
        tokens: vec![token],
        ..Source::default()
    };
    let hr = Source { name: "hr".into(), kind: "file".into(), retired: true, users: 1, ..Source::default() };
    let list = super::source::list_text(&[hr, okta.clone()], &page());
    insta::assert_snapshot!(format!("{list}\n{}", super::source::text(&okta, &page())));
}

#[test]
fn a_source_that_is_followed() {
    let corp = |feed| Source {
        name: "corp".into(),
        kind: "ldap".into(),
        seen_micros: hours_ago(1),
        max_age_millis: 900_000,
        users: 1_200,
        groups: 40,
        changes: 5,
        feed: Some(feed),
        ..Source::default()
    };
    let well = corp(Feed {
        server: "ldaps://ldap.example.com:636".into(),
        last_event_micros: hours_ago(1),
        last_load_micros: hours_ago(2),
        cookie_micros: hours_ago(1),
        ..Feed::default()
    });
    let ill = corp(Feed {
        trouble: "the connection was lost: the server closed it".into(),
        held: "30 of 40 people who have groups would lose everything, and `max_loss` is 20%".into(),
        shared_names: vec!["eng".into(), "ops".into()],
        reconnects: 7,
        reads_all: "the search for what changed since (DirSync): insufficient access rights (50)".into(),
        not_called: "a subscription: the answer is 403 Forbidden".into(),
        unread: "the user `00u1`: the answer is 500 Internal Server Error".into(),
        ..Feed::default()
    });
    let texts = [well, ill].map(|source| super::source::text(&source, &page()));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_a_server_has() {
    let user = PreviewedUser {
        username: "alice".into(),
        id: "f3a0d5f8-0000-4000-8000-000000000001".into(),
        display_name: "Alice".into(),
        emails: vec!["alice@example.com".into()],
        active: true,
        ..PreviewedUser::default()
    };
    let preview = PreviewSourceResponse {
        users: vec![user],
        groups: vec![PreviewedGroup { group: "corp:eng".into(), members: 12 }],
        problems: vec!["`cn=x,dc=example` has no Bitbucket username in `uid`".into()],
        ..PreviewSourceResponse::default()
    };
    insta::assert_snapshot!(super::source::preview_text(&preview, &page()));
}
