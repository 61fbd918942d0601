//! The policy and the people that most tests use.

use serde_json::json;

/// The repository that most tests push to.
pub const REPOSITORY: &str = "DEMO/app";

/// Developers work on topic branches and update `main` and `shared/**`; tags are forever; `keeper` may do the rest.
pub const POLICY: &str = r##"
version = 1
contact = "#platform"

[[role]]
id  = "developer"
any = ["okta:eng"]

[[role]]
id  = "release-manager"
any = ["okta:release"]

[[role]]
id  = "keeper"
any = ["okta:keepers"]

[[grant]]
id    = "topic-branches"
to    = ["developer"]
on    = ["DEMO/*"]
refs  = ["refs/heads/feature/**", "refs/heads/u/${user}/**"]
verbs = ["create", "update", "force", "delete"]

[[grant]]
id    = "main"
to    = ["developer"]
on    = ["DEMO/*"]
refs  = ["refs/heads/main"]
verbs = ["create", "update"]

[[grant]]
id    = "shared"
to    = ["developer"]
on    = ["DEMO/*"]
refs  = ["refs/heads/shared/**"]
verbs = ["create", "update"]

[[grant]]
id    = "tags"
to    = ["developer"]
on    = ["DEMO/*"]
refs  = ["refs/tags/**"]
verbs = ["create"]

[[grant]]
id    = "releases"
to    = ["release-manager"]
on    = ["DEMO/*"]
refs  = ["refs/heads/release/**"]
verbs = ["create", "update", "force", "delete"]

[[grant]]
id    = "everything"
to    = ["keeper"]
on    = ["DEMO/*"]
refs  = ["refs/**"]
verbs = ["create", "update", "force", "delete"]

[[block]]
id       = "tags-are-forever"
on       = ["DEMO/*"]
refs     = ["refs/tags/**"]
verbs    = ["force", "delete"]
absolute = true
help     = "Releases are built from tags. Make a new one, such as v1.0.1."
"##;

/// `alice` and `bob` are developers, `bob` makes releases too, `kim` keeps everything, `gone` has left, `mallory` is in
/// no group. Nobody else exists.
pub fn directory() -> String {
    let user = |name: &str, active: bool, groups: &[&str]| json!({"username": name, "emails": [format!("{name}@example.com")], "active": active, "groups": groups});
    let directory = json!({
        "version": 1,
        "users": [
            user("alice", true, &["okta:eng"]),
            user("bob", true, &["okta:eng", "okta:release"]),
            user("gone", false, &["okta:eng"]),
            user("kim", true, &["okta:keepers"]),
            user("mallory", true, &[]),
        ],
        "groups": [{"name": "okta:eng", "members": ["alice"]}],
    });
    format!("{directory:#}\n")
}
