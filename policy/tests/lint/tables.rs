use oam_policy::lint::{Lint, Report};

use crate::{NOW, found};

/// `lint: message (help)`, one a line.
pub(crate) fn told(report: &Report) -> String {
    let one = |warning: &oam_policy::lint::Warning| {
        let help = warning.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
        let allowed = warning.allowed.as_ref().map_or_else(String::new, |why| format!(" [allowed: {why}]"));
        format!("{}: {}{help}{allowed}\n", warning.lint, warning.message)
    };
    report.warnings.iter().map(one).collect()
}

/// In each of these lists of rules, this and nothing else is found.
pub(crate) fn check(lint: Lint, about: &str, rules: &[String]) {
    for rules in rules.iter().filter(can_be_read) {
        let report = found(rules);
        let warnings: Vec<_> =
            beside_services(&report, lint).map(|warning| (warning.lint, warning.about.to_string())).collect();
        assert_eq!(warnings, [(lint, about.to_owned())], "{rules}\n{}", told(&report));
    }
}

/// Of every service that is granted something it is told that it needs no lease: what else there is.
fn beside_services(report: &Report, lint: Lint) -> impl Iterator<Item = &oam_policy::lint::Warning> {
    let is_of_all = move |found| found == Lint::ServiceWithoutLease && lint != found;
    report.warnings.iter().filter(move |warning| !is_of_all(warning.lint))
}

/// A program that is built without `re:` patterns reads no rules with one.
fn can_be_read(rules: &&String) -> bool {
    cfg!(feature = "regex") || !rules.contains("re:")
}

/// In these nothing is found.
pub(crate) fn check_quiet(rules: &[String]) {
    for rules in rules.iter().filter(can_be_read) {
        let report = found(rules);
        assert_eq!(beside_services(&report, Lint::Expired).count(), 0, "{rules}\n{}", told(&report));
        assert!(report.unfinished.is_empty(), "{rules}");
    }
}

/// A grant to everybody, but for what `keys` say.
pub(crate) fn grant(keys: &str) -> String {
    let is_given = |key: &str| keys.lines().any(|line| line.starts_with(&format!("{key} =")));
    let mut grant = "[[grant]]\n".to_owned();
    for (key, value) in [
        ("id", r#""g""#),
        ("to", r#"["everybody"]"#),
        ("on", r#"["P/*"]"#),
        ("refs", r#"["refs/heads/x/**"]"#),
        ("verbs", r#"["create"]"#),
    ] {
        if !is_given(key) && (key != "to" || !is_given("user")) {
            grant += &format!("{key} = {value}\n");
        }
    }
    grant + keys + "\n"
}

/// A role beside a grant to everybody, with a grant of its own.
pub(crate) fn role(keys: &str) -> String {
    let own = grant("id = \"of-r\"\nto = [\"r\"]\non = [\"R/*\"]");
    format!("{}{own}[[role]]\nid = \"r\"\n{keys}\n", grant(""))
}

pub(crate) fn block(keys: &str) -> String {
    let id = if keys.contains("id =") { "" } else { "id = \"b\"\n" };
    let on = if keys.contains("on =") { "" } else { "on = [\"**\"]\n" };
    format!("[[block]]\n{id}{on}{keys}\n")
}

pub(crate) fn on(patterns: &str) -> String {
    grant(&format!("on = [{patterns}]"))
}

pub(crate) fn refs(patterns: &str) -> String {
    grant(&format!("refs = [{patterns}]"))
}

#[test]
fn names_that_nobody_knows() {
    check(
        Lint::UnknownGroup,
        "role `r`",
        &[role(r#"any = ["g:all", "g:nobody"]"#), role(r#"any = ["g:nobody"]"#), role(r#"all = ["h:all"]"#)],
    );
    let exception = |user: &str, by: &str| {
        let keys = format!("id = \"e\"\nuser = \"{user}\"\napproved_by = \"{by}\"\non = [\"E/*\"]");
        grant("") + &grant(&(keys + "\nexpires = 2026-07-01T00:00:00Z"))
    };
    let unknown = [exception("user-200", "user-1"), exception("user-1", "usr-1")];
    check(Lint::UnknownUser, "grant `e`", &unknown);
    check_quiet(&[role(r#"any = ["g:empty", "g:many"]"#), exception("User-1", "user-2")]);
    insta::assert_snapshot!(
        told(&found(&(role(r#"any = ["g:al", "g:many"]"#) + &exception("user-1", "usr-1").replace(&grant(""), "")))),
        @r#"
        unknown-group: the role `r` names the group `g:al`, which the directory does not know (did you mean `g:all`?)
        unknown-user: the grant `e` was approved by `usr-1`, whom the directory does not know (did you mean `user-1`?)
        "#);
}

/// A grant to a service by its name.
fn exception_for(user: &str) -> String {
    let keys = format!("id = \"e\"\nuser = \"{user}\"\napproved_by = \"user-1\"\non = [\"E/*\"]");
    grant(&(keys + "\nexpires = 2026-07-01T00:00:00Z"))
}

/// A role `r` with a grant of its own and one `q` without, and a workload that lets jobs lease one of them.
fn leased(keys: &str, which: &str) -> String {
    let other = "[[role]]\nid = \"q\"\nmax_lease = \"5m\"\nexclusive = [\"everybody\"]\n";
    let workload = format!(
        "[[workload]]\nid = \"w\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {{ sub = \"x\" }}\n\
         principal = \"svc\"\nroles = [\"{which}\"]\non = [\"R/*\"]\nrefs = [\"refs/heads/x/**\"]\n"
    );
    role(keys) + other + &workload
}

#[test]
fn roles_that_do_nothing() {
    check(
        Lint::RoleWithoutMembers,
        "role `r`",
        &[
            role(r#"any = ["g:empty"]"#),
            role(r#"any = ["g:left", "g:empty"]"#),
            role(r#"all = ["g:all", "g:left"]"#),
            role("any = [\"g:many\"]\nall = [\"g:empty\"]"),
        ],
    );
    let unused = "[[role]]\nid = \"r\"\nany = [\"g:first\"]\n";
    check(Lint::UnusedRole, "role `r`", &[grant("") + unused]);
    check(
        Lint::ServiceWithoutLease,
        "role `r`",
        &[
            role(r#"service = ["svc"]"#),
            role("service = [\"svc\"]\nmax_lease = \"5m\""),
            role("service = [\"svc\"]\nany = [\"g:empty\"]"),
            role(r#"service = ["svc"]"#) + &exception_for("svc"),
        ],
    );
    check(Lint::ServiceRoleWithoutMaxLease, "role `r`", &[leased("any = [\"g:many\"]", "r")]);
    check(Lint::WorkloadGivesNothing, "workload `w`", &[leased("max_lease = \"5m\"", "q")]);
    check_quiet(&[
        role(r#"all = ["g:all", "g:first"]"#),
        role("any = [\"g:left\", \"g:first\"]\nall = [\"g:second\"]"),
        leased("max_lease = \"5m\"", "r"),
        grant("") + unused + &block("refs = [\"refs/tags/**\"]\nexcept = [\"r\"]"),
        grant("")
            + unused
            + "exclusive = [\"s\"]\n[[role]]\nid = \"s\"\nservice = [\"svc\"]\nmax_lease = \"1h\"\n",
    ]);
}

#[test]
fn people_with_too_much() {
    let two = |first: &str, second: &str| {
        let of = |id: &str, groups: &str| {
            let own = grant(&format!("id = \"of-{id}\"\nto = [\"{id}\"]\non = [\"{id}/*\"]"));
            format!("{own}[[role]]\nid = \"{id}\"\n{groups}\n")
        };
        grant("") + &of("a", first) + &of("b", second)
    };
    let excluding = "any = [\"g:many\"]\nexclusive = [\"b\"]";
    check(
        Lint::ExclusiveRoles,
        "role `a`",
        &[
            two(excluding, r#"any = ["g:first"]"#),
            two(excluding, "any = [\"g:first\"]\nexclusive = [\"a\"]"),
            two(excluding, "service = [\"user-7\"]\nmax_lease = \"1h\""),
            two(
                "service = [\"svc\"]\nmax_lease = \"1h\"\nexclusive = [\"b\"]",
                "any = [\"g:first\"]\nservice = [\"svc\"]\nmax_lease = \"1h\"",
            ),
        ],
    );
    check_quiet(&[
        two(excluding, "service = [\"svc\"]\nmax_lease = \"1h\""),
        two(excluding, "service = [\"user-21\"]\nmax_lease = \"1h\""),
    ]);
    check(
        Lint::ExclusiveRoles,
        "role `b`",
        &[two("any = [\"g:first\"]", "any = [\"g:many\"]\nexclusive = [\"a\"]")],
    );
    let excepting = |group: &str| {
        role(&format!("any = [\"{group}\"]")) + &block("refs = [\"refs/tags/**\"]\nexcept = [\"r\"]")
    };
    check(Lint::ExceptTooLarge, "block `b`", &[excepting("g:many")]);
    check_quiet(&[excepting("g:one-in-five")]);
    insta::assert_snapshot!(told(&found(&(two(excluding, r#"any = ["g:one-in-five"]"#)
        + &block("refs = [\"refs/tags/**\"]\nexcept = [\"a\", \"b\"]")))), @r#"
        exclusive-roles: 20 users hold both `a` and `b`, which exclude each other: `user-0`, `user-1`, `user-10`, … (take one of the roles from them, by its groups)
        except-too-large: the block `b` excepts 21 of 100 active users (name a smaller role in `except`)
        "#);
}

#[test]
fn rules_that_never_match() {
    let window = |from: &str, to: &str, zone: &str| {
        grant("")
            + &block(&format!(
                "refs = [\"refs/tags/**\"]\nfrom = {from}\nto = {to}\n\
                 weekly = {{ from = \"Fri 18:00\", to = \"Mon 06:00\", zone = \"{zone}\" }}"
            ))
    };
    check(
        Lint::RuleNeverMatches,
        "grant `g`",
        &[
            refs(r#""refs/heads/x/**", "!refs/heads/**""#),
            refs(r#""refs/heads/x", "refs/heads/y", "!refs/heads/?""#),
            refs(r#""refs/heads/x/{a,b}", "!refs/heads/x/a", "!refs/heads/x/b""#),
            refs(r#""refs/heads/u/${user}/*", "!refs/heads/u/**""#),
            refs(r#""refs/heads/u/${user}", "!refs/heads/u/${user}""#),
            refs(r#""refs/heads/x.lock""#),
            refs(r#""refs/heads/a..b", "refs/heads//x", "refs/heads/x y""#),
            refs(r#""re:refs/heads/.*", "!refs/**""#),
            refs(r#""re:refs/heads/.*", "!re:refs/heads/.*""#),
            on(r#""P/a/*""#),
            on(r#""P/a", "P/b", "!*/?""#),
            on(r#""P/a b""#),
            grant("refs = [\"refs/tags/v*\"]\nverbs = [\"update\"]"),
            grant("on = [\"P/a/*\"]\nverbs = [\"read\"]").replace("refs = [\"refs/heads/x/**\"]\n", ""),
        ],
    );
    check(
        Lint::RuleNeverMatches,
        "block `b`",
        &[
            window("2026-07-13T06:00:00Z", "2026-07-17T18:00:00Z", "UTC"),
            window("2026-07-13T04:00:00Z", "2026-07-17T16:00:00Z", "Europe/Berlin"),
        ],
    );
    check_quiet(&[
        window("2026-07-13T06:00:00Z", "2026-07-17T18:00:01Z", "UTC"),
        window("2026-07-13T05:59:59Z", "2026-07-17T18:00:00Z", "UTC"),
        window("2026-07-13T04:00:00Z", "2026-07-17T16:00:01Z", "Europe/Berlin"),
        refs(r#""refs/heads/**", "!refs/heads/*""#),
        refs(r#""refs/heads/x/{a,b}", "!refs/heads/x/a""#),
        refs(r#""refs/heads/u/${user}/*", "!refs/heads/u/a/*""#),
        refs(r#""refs/heads/u/*", "!refs/heads/u/${user}""#),
        refs(r#""re:refs/heads/.*", "!refs/heads/*""#),
        refs(r#""refs/heads/*", "!re:refs/heads/.*""#),
        on(r#""P/*", "!P/?""#),
        on(r#""re:P/.*", "!P/?""#),
        grant("refs = [\"refs/tags/v*\"]\nverbs = [\"update\", \"force\"]"),
        grant("refs = [\"refs/tags/v*\", \"refs/heads/x\"]\nverbs = [\"update\"]"),
        "[[grant]]\nid = \"g\"\nto = [\"everybody\"]\non = [\"**\"]\nverbs = [\"read\"]\n".to_owned(),
    ]);
}

#[test]
fn grants_that_blocks_forbid() {
    let given = r#"refs = ["refs/heads/x/**"]"#;
    let over = "expires = 2026-08-01T00:00:00Z";
    check(
        Lint::GrantCoveredByBlocks,
        "grant `g`",
        &[
            grant("") + &block(given),
            grant("")
                + &block("refs = [\"refs/heads/**\", \"!refs/heads/main\"]\nverbs = [\"create\", \"force\"]"),
            // Only together, by repository and by ref.
            on(r#""P/a", "P/b""#)
                + &block(&format!("id = \"b-1\"\non = [\"P/a\"]\n{given}"))
                + &block("id = \"b-2\"\non = [\"*/b\"]\nrefs = [\"refs/heads/x/*\"]")
                + &block("id = \"b-3\"\non = [\"P/?\"]\nrefs = [\"refs/heads/x/*/**\"]"),
            // Only together, by verb; a tag is never updated.
            grant("refs = [\"refs/tags/**\"]\nverbs = [\"create\", \"update\", \"force\"]")
                + &block("id = \"b-1\"\nrefs = [\"refs/tags/**\"]\nverbs = [\"create\"]")
                + &block("id = \"b-2\"\nrefs = [\"refs/tags/**\"]\nverbs = [\"force\"]"),
            grant(over) + &block(&format!("{given}\nto = 2026-08-01T00:00:00Z\nfrom = {NOW}")),
            refs(r#""refs/heads/u/${user}/**""#) + &block(r#"refs = ["refs/heads/u/**"]"#),
            refs(r#""refs/heads/u/${user}/**""#) + &block(r#"refs = ["refs/heads/u/${user}/**"]"#),
            refs(r#""re:refs/heads/x\\d""#) + &block(r#"refs = ["re:refs/heads/x\\d"]"#),
            refs(r#""re:refs/heads/x\\d""#) + &block(r#"refs = ["refs/**"]"#),
            on(r#""re:P/x\\d""#) + &block(&format!("on = [\"re:P/x\\\\d\"]\n{given}")),
            refs(r#""refs/replace/x""#),
        ],
    );
    check_quiet(&[
        grant("") + &block("refs = [\"refs/heads/x/*\"]"),
        grant("") + &block(&format!("on = [\"P/a*\"]\n{given}")),
        grant("") + &block(&format!("{given}\nverbs = [\"force\"]")),
        grant("") + &block(&format!("{given}\nmode = \"evaluate\"")),
        grant("mode = \"evaluate\"") + &block(given),
        grant("") + &block(&format!("{given}\nfrom = 2026-06-01T00:00:01Z")),
        grant("") + &block(&format!("{given}\nto = 2036-06-01T00:00:00Z")),
        grant(over) + &block(&format!("{given}\nto = 2026-07-31T00:00:00Z")),
        grant("")
            + &block(&format!(
                "{given}\nweekly = {{ from = \"Mon 00:00\", to = \"Sun 23:59\", zone = \"UTC\" }}"
            )),
        grant("")
            + &role(r#"any = ["g:first"]"#).replace(&grant(""), "")
            + &block(&format!("{given}\nexcept = [\"r\"]")),
        grant("") + &block("refs = [\"refs/heads/x/**\", \"!refs/heads/x/${user}/**\"]"),
        refs(r#""refs/heads/u/*/**""#) + &block(r#"refs = ["refs/heads/u/${user}/**"]"#),
        refs(r#""re:refs/heads/x\\d""#) + &block(r#"refs = ["refs/heads/**"]"#),
        grant("") + &block("refs = [\"re:refs/heads/.*\"]"),
        grant("") + &block("refs = [\"refs/heads/**\", \"!re:refs/heads/x/y.*\"]"),
        grant("verbs = [\"create\", \"read\"]") + &block(given),
        grant("verbs = [\"create\", \"force\"]")
            + &block(&format!("id = \"b-1\"\n{given}\nverbs = [\"create\"]"))
            + &block("id = \"b-2\"\nrefs = [\"refs/heads/x/*\"]\nverbs = [\"force\"]"),
    ]);
    let many: String =
        (0..5).map(|number| block(&format!("id = \"b-{number}\"\non = [\"P/{number}\"]\n{given}"))).collect();
    let report = found(
        &(on(r#""P/{0,1,2,3,4}""#)
            + &many
            + &block("id = \"else\"\nrefs = [\"refs/heads/**\", \"!refs/heads/x/**\"]")),
    );
    insta::assert_snapshot!(told(&report), @"grant-covered-by-blocks: the grant `g` gives nothing: all of it is forbidden by the block `b-0`, the block `b-1`, the block `b-2`, 2 more (take it out, or name in `except` of the block whom it is for)");
}

#[test]
fn rules_that_say_the_same() {
    let other = |keys: &str| grant(&format!("id = \"h\"\n{keys}"));
    check(
        Lint::DuplicateRule,
        "grant `h`",
        &[grant("") + &other(""), grant("") + &other("on = [\"p/*\", \"p/*\"]")],
    );
    check(
        Lint::DuplicateRule,
        "block `c`",
        &[grant("")
            + &block("refs = [\"refs/tags/**\"]")
            + &block("id = \"c\"\nrefs = [\"refs/tags/**\"]\nhelp = \"x\"")],
    );
    check(Lint::DuplicateRule, "role `r`", &[role(r#"any = ["g:all"]"#)]);
    let allowed = r#"allow = [{ lint = "duplicate-rule", reason = "two teams, two files" }]"#;
    for rules in [grant(allowed) + &other(""), grant("") + &other(allowed), grant(allowed) + &other(allowed)]
    {
        let report = found(&rules);
        assert_eq!((report.warnings.len(), report.open().count()), (1, 0), "{}", told(&report));
    }
    check_quiet(&[
        grant("") + &other("mode = \"evaluate\""),
        grant("") + &other("verbs = [\"delete\"]"),
        grant("") + &other("expires = 2027-01-01T00:00:00Z"),
        grant("")
            + &block("refs = [\"refs/tags/**\"]")
            + &block("id = \"c\"\nrefs = [\"refs/tags/**\"]\nabsolute = true"),
    ]);
}

#[test]
fn force_that_reaches_the_main_branch() {
    let wide = |patterns: &str| grant(&format!("refs = [{patterns}]\nverbs = [\"create\", \"force\"]"));
    let main = r#"refs = ["refs/heads/main"]"#;
    check(
        Lint::ForceOnWidePattern,
        "grant `g`",
        &[
            wide(r#""refs/**""#),
            wide(r#""refs/heads/*", "!refs/heads/release""#),
            wide(r#""refs/heads/m*""#),
            wide(r#""re:refs/heads/.*""#),
            wide(r#""refs/heads/**", "refs/heads/main""#),
            grant("refs = [\"refs/heads/**\"]\nverbs = [\"delete\"]"),
            wide(r#""refs/heads/**""#) + &block(&format!("{main}\nverbs = [\"delete\"]")),
            wide(r#""refs/heads/**""#) + &block(&format!("on = [\"P/a*\"]\n{main}")),
            wide(r#""refs/heads/**""#) + &block(&format!("{main}\nfrom = 2026-07-01T00:00:00Z")),
        ],
    );
    let excepted = wide(r#""refs/heads/**""#) + &block(&format!("{main}\nexcept = [\"everybody\"]"));
    let lints: Vec<_> = found(&excepted).warnings.iter().map(|warning| warning.lint).collect();
    assert_eq!(lints, [Lint::ExceptTooLarge, Lint::ForceOnWidePattern]);
    check_quiet(&[
        wide(r#""refs/heads/**", "!refs/heads/main""#),
        wide(r#""refs/heads/**", "!refs/heads/master""#),
        wide(r#""refs/heads/main", "refs/heads/master""#),
        wide(r#""refs/heads/{main,master}""#),
        wide(r#""refs/heads/feature/**""#),
        wide(r#""refs/heads/main*""#),
        wide(r#""refs/heads/**""#) + &block(main),
        wide(r#""refs/heads/**""#) + &block(&format!("on = [\"P/?*\"]\n{main}")),
        grant("refs = [\"refs/heads/**\"]\nverbs = [\"create\", \"update\"]"),
        grant("refs = [\"refs/heads/**\"]\nverbs = [\"force\"]\nmode = \"evaluate\""),
    ]);
}

#[test]
fn rules_that_are_over() {
    let until = |end: &str| grant(&format!("expires = {end}"));
    check(Lint::Expired, "grant `g`", &[until(NOW)]);
    check(
        Lint::Expired,
        "block `b`",
        &[grant("") + &block("refs = [\"refs/tags/**\"]\nto = 2026-01-01T00:00:00Z")],
    );
    check_quiet(&[until("2026-06-01T00:00:01Z")]);
}
