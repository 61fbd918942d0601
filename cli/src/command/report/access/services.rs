//! `oam report standing-access`: what services may push without a lease, at one moment.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use jiff::Timestamp;
use oam_policy::{
    Policy, RoleId, Username, Verb,
    lint::{About, Lint},
    rule::{Grant, Mode, PathSet, Role},
};
use oam_proto::v1::{ShowSnapshotRequest, User};

use super::{super::Work, Basis, PUSHED_WITHIN, begin, last_push};
use crate::{
    client::Admin,
    command::{
        Context, Ending,
        audit::Place,
        when::{When, when},
    },
    exit::Exit,
    failure::Failure,
    output::report::{Format, Kind, Row, moment},
    query::Filter,
};

const KIND: Kind = Kind {
    name: "standing-access",
    title: "Standing access of services",
    question: "Which services may push at any time, without a lease, and who said that this may stay?",
    controls: &["SOC 2 CC6.1", "SOC 2 CC6.3", "ISO/IEC 27001 A.5.18", "ISO/IEC 27001 A.8.2"],
    columns: &[
        "service",
        "account",
        "may",
        "refs",
        "repositories",
        "through",
        "until",
        "leases",
        "last push",
        "allowed because",
    ],
};

/// What refs can be changed by.
const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

/// `oam report standing-access`.
#[derive(Debug, Args)]
pub struct Services {
    /// At that moment: a day (`2026-12-24`: at its beginning), a moment, or so long ago; without it, now
    #[arg(long, value_name = "WHEN", value_parser = when)]
    at: Option<When>,
    /// How it is printed; with `--json`, as `json`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    place: Place,
}

/// Prints what services may push without a lease.
///
/// # Errors
/// When the log cannot be read, or the daemon cannot be asked or does not keep the policy or the directory of then.
pub(in super::super) async fn services(command: &Services, context: &mut Context) -> Ending {
    let now = Timestamp::now();
    let at = command.at.map_or(now, |at| at.moment(now));
    let since = at.saturating_sub(PUSHED_WITHIN).unwrap_or(Timestamp::UNIX_EPOCH);
    let search = command.place.search(Filter::default(), context)?;
    let mut work = Work::new(search, since, at, now);
    let mut admin = context.address.connect().await?;
    let basis = Basis::find(&mut work, &mut admin, at).await?;
    let policy = basis.parsed().map_err(|faults| Failure::NoAnswer {
        what: format!("the policy {} is none for this version of oam: {faults}", basis.policy),
        help: "use the `oam` of the daemon's version",
    })?;
    let mut accounts = named(&policy);
    look_up(&mut accounts, &policy, &mut admin, basis.generation).await?;
    let mut report = begin(&mut work, &basis, KIND, command.format, context)?;
    let mut leasing = BTreeSet::new();
    for account in accounts.values() {
        let rights = account.rights(&policy, at);
        if rights.is_empty() {
            leasing.insert(account.name.clone());
            continue;
        }
        let last = last_push(&mut work, &account.name, None)?;
        for right in rights {
            report.row(account.row(&right, &last))?;
        }
        if report.is_closed() {
            break;
        }
    }
    let mut notes: Vec<String> = work.gone().into_iter().collect();
    if !leasing.is_empty() {
        let names = leasing.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(format!("without any standing right: {names}"));
    }
    notes.push(
        "services are those that a role names by `service` and the accounts of workloads: that another account of the \
         directory is no person, nobody tells us"
            .into(),
    );
    notes.push(
        "a reason is what the policy allowed when it came into force: to allow something else changes no rule, and is kept with \
         the next change of one"
            .into(),
    );
    notes.push(
        "grants are told, whatever blocks and requires say besides: see `oam report access-matrix`".into(),
    );
    let as_it_should_be = report.end(&notes)?;
    Ok(if as_it_should_be { Exit::Ok } else { Exit::No })
}

/// An account that is no person's.
struct Account {
    name: String,
    /// The roles that name it, or that its groups make it hold.
    roles: BTreeSet<RoleId>,
    /// The workloads that lease to it.
    workloads: BTreeSet<String>,
    state: State,
}

/// What the directory says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    Active,
    CutOff,
}

/// A grant that reaches an account without a lease.
struct Right<'p> {
    grant: &'p Grant,
    /// `None`: it names the account.
    role: Option<&'p RoleId>,
    allowed: Option<String>,
}

/// All of them, by their names in lower case.
type Accounts = BTreeMap<String, Account>;

/// Every account that the policy names.
fn named(policy: &Policy) -> Accounts {
    let mut accounts = Accounts::new();
    for workload in policy.workloads().iter().filter(|workload| workload.mode == Mode::Enforce) {
        account(&mut accounts, workload.principal.as_str()).workloads.insert(workload.id.to_string());
    }
    for role in policy.roles() {
        for name in &role.service {
            account(&mut accounts, name.as_str()).roles.insert(role.id.clone());
        }
    }
    accounts
}

fn account<'a>(accounts: &'a mut Accounts, name: &str) -> &'a mut Account {
    accounts.entry(name.to_lowercase()).or_insert_with(|| Account {
        name: name.to_owned(),
        roles: BTreeSet::new(),
        workloads: BTreeSet::new(),
        state: State::Unknown,
    })
}

/// Adds what the directory of then says of them.
async fn look_up(
    accounts: &mut Accounts,
    policy: &Policy,
    admin: &mut Admin,
    generation: u64,
) -> Result<(), Failure> {
    let mut users = admin.show_snapshot(ShowSnapshotRequest { generation }).await?.into_inner();
    while let Some(user) = users.message().await? {
        if let Some(account) = accounts.get_mut(&user.username.to_lowercase()) {
            account.learn(policy, user);
        }
    }
    Ok(())
}

impl Account {
    fn learn(&mut self, policy: &Policy, user: User) {
        let groups: BTreeSet<String> = user.groups.into_iter().collect();
        let held = |role: &&Role| role.is_of_member(|group| groups.contains(&group.to_string()));
        self.roles.extend(policy.roles().iter().filter(held).map(|role| role.id.clone()));
        self.name = user.username;
        self.state = if user.active { State::Active } else { State::CutOff };
    }

    /// The grants that reach it, and are not over.
    fn rights<'p>(&self, policy: &'p Policy, at: Timestamp) -> Vec<Right<'p>> {
        let changes = |grant: &&Grant| VERBS.iter().any(|verb| grant.verbs.contains(*verb));
        let lasts = |grant: &&Grant| grant.window.to().is_none_or(|end| at < end);
        let in_force = policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce);
        let mut rights = Vec::new();
        for grant in in_force.filter(changes).filter(lasts) {
            if let Some(exception) = grant.user.as_ref().filter(|one| self.is(&one.user)) {
                let allowed = Some(format!("approved by {}", exception.approved_by));
                rights.push(Right { grant, role: None, allowed });
            }
            for role in grant.to.iter().filter(|role| self.roles.contains(role)) {
                rights.push(Right { grant, role: Some(role), allowed: allowed(policy, role) });
            }
        }
        rights
    }

    fn is(&self, user: &Username) -> bool {
        user.as_str().to_lowercase() == self.name.to_lowercase()
    }

    fn row(&self, right: &Right<'_>, last_push: &str) -> Row {
        let Right { grant, role, allowed } = right;
        let verbs = VERBS.into_iter().filter(|verb| grant.verbs.contains(*verb));
        let paths = grant.paths.as_ref().map(PathSet::sources);
        let paths = paths.map(|paths| format!(", changing {}", paths.join(" "))).unwrap_or_default();
        let through = role.map_or_else(|| grant.id.to_string(), |role| format!("{} ({role})", grant.id));
        let cells = vec![
            self.name.clone(),
            match self.state {
                State::Unknown => "not in the directory".to_owned(),
                State::Active => "active".to_owned(),
                State::CutOff => "cut off".to_owned(),
            },
            verbs.map(|verb| verb.to_string()).collect::<Vec<_>>().join(" ") + &paths,
            grant.refs.sources().join(" "),
            grant.on.sources().join(" "),
            through,
            grant.window.to().map(moment).unwrap_or_default(),
            self.workloads.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            last_push.to_owned(),
            allowed.clone().unwrap_or_default(),
        ];
        Row { cells, finding: allowed.is_none() && self.state != State::CutOff }
    }
}

/// Why a role may be held by services for good, where the policy says so.
fn allowed(policy: &Policy, role: &RoleId) -> Option<String> {
    let about = About::Role(role.clone());
    let allows =
        |one: &&oam_policy::rule::Allowance| one.lint == Lint::ServiceWithoutLease && one.about == about;
    policy.allowances().iter().find(allows).map(|one| one.reason.clone())
}

#[cfg(test)]
mod tests {
    use oam_policy::file::{PolicySource, parse};
    use oam_proto::v1::User;

    use super::named;

    const POLICY: &str = r#"
version = 1
[[role]]
id = "renovate"
service = ["svc-renovate", "svc-old"]
[[role]]
id = "mirror"
service = ["svc-mirror"]
allow = [{ lint = "service-without-lease", reason = "the mirror has no CI" }]
[[role]]
id = "release-bot"
any = ["okta:bots"]
max_lease = "5m"
[[grant]]
id = "bumps"
to = ["renovate", "mirror"]
on = ["PAY/*"]
refs = ["refs/heads/renovate/**"]
verbs = ["create", "force"]
paths = ["*.lock"]
[[grant]]
id = "over"
to = ["renovate"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
expires = 2020-01-01T00:00:00Z
[[grant]]
id = "tried"
to = ["renovate"]
mode = "evaluate"
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[grant]]
id = "read"
to = ["renovate"]
on = ["**"]
verbs = ["read"]
[[grant]]
id = "releases"
to = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/tags/*"]
verbs = ["create"]
[[grant]]
id = "once"
user = "SVC-release"
on = ["PAY/api"]
refs = ["refs/heads/main"]
verbs = ["update"]
expires = 2099-01-01T00:00:00Z
approved_by = "kim"
[[workload]]
id = "api-release"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "7" }
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/api"]
refs = ["refs/tags/*"]
[[workload]]
id = "clean"
profile = "gitlab"
issuer = "https://gitlab.example.com"
claims = { project_id = "8" }
principal = "svc-clean"
roles = ["release-bot"]
on = ["PAY/api"]
refs = ["refs/tags/*"]
"#;

    #[test]
    fn each_right_that_needs_no_lease_is_a_row() {
        let source = PolicySource { name: "p.toml".into(), text: POLICY.into() };
        let policy = parse(&[source]).unwrap_or_else(|faults| panic!("{faults}"));
        let mut accounts = named(&policy);
        // An account of the directory may hold a role by its groups as well.
        for (username, active, group) in [("svc-release", true, "okta:bots"), ("svc-old", false, "okta:x")] {
            let groups = vec![group.to_owned()];
            let user = User { username: username.into(), active, groups, ..User::default() };
            accounts.get_mut(username).unwrap().learn(&policy, user);
        }
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let rows: Vec<String> = accounts
            .values()
            .flat_map(|account| {
                account
                    .rights(&policy, at)
                    .into_iter()
                    .map(|right| account.row(&right, "none"))
                    .collect::<Vec<_>>()
            })
            .map(|row| format!("{} {}", if row.finding { "!" } else { " " }, row.cells.join(" | ")))
            .collect();
        insta::assert_snapshot!(rows.join("\n"), @"
          svc-mirror | not in the directory | create force, changing *.lock | refs/heads/renovate/** | pay/* | bumps (mirror) |  |  | none | the mirror has no CI
          svc-old | cut off | create force, changing *.lock | refs/heads/renovate/** | pay/* | bumps (renovate) |  |  | none | 
          svc-release | active | update | refs/heads/main | pay/api | once | 2099-01-01T00:00:00Z | api-release | none | approved by kim
        ! svc-release | active | create | refs/tags/* | pay/* | releases (release-bot) |  | api-release | none | 
        ! svc-renovate | not in the directory | create force, changing *.lock | refs/heads/renovate/** | pay/* | bumps (renovate) |  |  | none |
        ");
        assert!(accounts["svc-clean"].rights(&policy, at).is_empty());
    }
}
