//! One case file, run through all its doors. Every case is run, and whatever is wrong is told at once.

use std::fmt::Write as _;

use jiff::Timestamp;
use oam_audit::entry::{self, Outcome};
use oam_policy::State;
use oam_tests::{BitbucketServer, Daemon, Verdict as Shown, audit::Recorded, daemon::Setup, temporary};
use tempfile::TempDir;

use crate::{
    answer::{Reason, Verdict, shown},
    case::Case,
    decided,
    file::CaseFile,
    host::Host,
    jobs::{Jobs, Leased},
    pushed::{Seen, Server},
    value::Line,
    wire::{self, Client},
};

/// Runs a file.
///
/// # Panics
/// With everything that is not as its cases expect.
pub(crate) fn run(name: &str) {
    let file = CaseFile::read(name);
    let wrong = findings(&file);
    let cases = file.cases.len();
    // Which these are, `format.rs` asserts.
    let why_not = |case: &Case| case.not_pushed().or_else(|| Host::cannot(case));
    let not_pushed: Vec<_> = file.cases.iter().filter_map(|case| Some((case, why_not(case)?))).collect();
    println!("{name}: {cases} cases decided and asked over gRPC, {} pushed", cases - not_pushed.len());
    for (case, why) in not_pushed {
        println!("  not pushed: `{}`: {why}", case.name);
    }
    assert!(wrong.is_empty(), "{name}.toml, {}:\n{wrong}", file.title);
}

/// Everything that is not as the cases of a file expect, a case and a finding a line.
pub(crate) fn findings(file: &CaseFile) -> String {
    let now = Timestamp::now();
    let state = decided::state(file, now);
    let host = Host::of(file);
    let bitbucket = file.cases.iter().any(|case| case.pull_request.is_some()).then(Told::start);
    let jobs = Jobs::of(file);
    let config = [
        host.as_ref().map(Host::config),
        bitbucket.as_ref().map(Told::config),
        jobs.as_ref().map(Jobs::config),
    ];
    let config = config.into_iter().flatten().collect::<Vec<_>>().join("\n");
    let policy = jobs.as_ref().map_or_else(|| file.policy.clone(), |jobs| jobs.policy(&file.policy));
    let setup = Setup { policy, directory: file.directory(), config };
    let daemon = Daemon::start_with(&setup);
    if host.is_some() {
        Host::move_in(&daemon);
    }
    for user in file.cut_off() {
        daemon.deactivate(user).expect_success("oam user deactivate");
    }
    let (client, server) = (Client::of(&daemon), Server::asking(&daemon));
    let doors = Doors { state, now, client, server, host, jobs, daemon, bitbucket };
    let mut wrong = String::new();
    for case in &file.cases {
        let mut found = Findings::default();
        doors.decide(case, &mut found);
        if Host::cannot(case).is_none() {
            doors.ask_daemon(case, &mut found);
        }
        for one in found.0 {
            writeln!(wrong, "{}: {one}", case.name).unwrap();
        }
    }
    wrong
}

/// Everything that a case is shown to.
struct Doors {
    state: State,
    now: Timestamp,
    client: Client,
    server: Server,
    /// Who can ask for something at the daemon, where a case is about that.
    host: Option<Host>,
    /// Whose jobs can lease something there, where a case is about that.
    jobs: Option<Jobs>,
    daemon: Daemon,
    bitbucket: Option<Told>,
}

/// The number of every pull request here.
pub(crate) const PULL_REQUEST: u64 = 17;

/// A Bitbucket that says what cases say.
struct Told {
    server: BitbucketServer,
    folder: TempDir,
}

impl Told {
    fn start() -> Self {
        let (server, folder) = (BitbucketServer::start(), temporary::folder());
        std::fs::write(folder.path().join("token"), server.token("root")).unwrap();
        Self { server, folder }
    }

    fn config(&self) -> String {
        format!(
            "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\n\
             approvals.within = \"20s\"\napprovals.remember = \"0s\"\ncanary.every = \"24h\"\n",
            self.server.url(),
            self.folder.path().join("token").display()
        )
    }

    fn tell(&self, case: &Case, head: &str, onto: &str) {
        let Some(pull_request) = &case.pull_request else { return };
        let (repository, target) = (case.repository().as_str(), case.lines()[0].name.to_string());
        if !self.server.has_repository(repository) {
            self.server.add_repository(repository);
        }
        let told = pull_request.told_by_bitbucket(head, onto);
        self.server.tell(repository, PULL_REQUEST, pull_request.author(), &target, told);
    }
}

/// What is to stand in the audit log.
struct Logged {
    is_recorded: bool,
    /// Nothing where nobody can be sure.
    verdicts: Option<Vec<Verdict>>,
    /// Whether what rules in evaluate mode would have done, and what waivers lifted, is as the case says.
    is_alike: bool,
}

/// What is not as a case expects.
#[derive(Default)]
struct Findings(Vec<String>);

impl Doors {
    fn decide(&self, case: &Case, found: &mut Findings) {
        let decided = decided::ask(&self.state, case, self.now);
        found.verdicts("decide", &case.expected(), &decided.answer.refs);
        found.words("decide", case, &decided.answer.text);
        found.equal("decide, in evaluate mode", &case.would(), &decided.would);
        found.equal("decide, by waivers", &case.lifted, &decided.lifted);
    }

    /// Both doors of a daemon, while everybody has what the case says.
    fn ask_daemon(&self, case: &Case, found: &mut Findings) {
        let policy = self.state.policy.as_deref().filter(|_| case.holds_something());
        let ask = |(host, policy): (&Host, _)| host.ask(&self.daemon, policy, case);
        let held = self.host.as_ref().zip(policy).map(ask).unwrap_or_default();
        self.wire(case, found);
        if case.not_pushed().is_none() {
            self.push(case, found);
        }
        Host::end(&self.daemon, &held);
    }

    /// Leases what a case says, for a push of that commit.
    fn lease(&self, case: &Case, is_used_up: bool, pushed: &str) -> Leased {
        let policy = self.state.policy.as_deref().expect("a policy");
        let lease = |jobs: &Jobs| jobs.lease((&self.daemon, policy), case, is_used_up, pushed);
        self.jobs.as_ref().map(lease).unwrap_or_default()
    }

    /// Leases what a case says to be used up, and uses it up by the very push.
    fn use_up(&self, case: &Case) -> Leased {
        let used = self.lease(case, true, &asked_commit());
        if case.leases.iter().any(|lease| lease.used) {
            self.client.ask(case, &used.shown);
        }
        used
    }

    fn wire(&self, case: &Case, found: &mut Findings) {
        let head = wire::merging().head.expect("a head").to_string();
        self.bitbucket.iter().for_each(|bitbucket| bitbucket.tell(case, &head, &head));
        let leased = self.use_up(case).and(self.lease(case, false, &asked_commit()));
        let (answer, recorded) = self.recording(|| self.client.ask(case, &leased.shown));
        leased.end(&self.daemon);
        let expected = case.asked();
        if let Some(expected) = &expected {
            found.verdicts("gRPC", expected, &answer.refs);
        }
        if case.is_alike_over_grpc() {
            found.words("gRPC", case, &answer.text);
        }
        if let Some(answer) = self.client.ask_with_circumstances(case) {
            found.verdicts("gRPC, as explain", &case.expected(), &answer.refs);
            found.words("gRPC, as explain", case, &answer.text);
        }
        let is_recorded = case.at.is_none() && !case.channel().is_dry_run();
        let logged = Logged { is_recorded, verdicts: expected, is_alike: case.is_alike_over_grpc() };
        found.record("gRPC", case, recorded, &logged);
    }

    fn push(&self, case: &Case, found: &mut Findings) {
        let tell = |head: &str, onto: &str| {
            self.bitbucket.iter().for_each(|bitbucket| bitbucket.tell(case, head, onto));
        };
        let mut leased = self.use_up(case);
        let shown = |pushed: &str| {
            leased = std::mem::take(&mut leased).and(self.lease(case, false, pushed));
            leased.shown.clone()
        };
        let (seen, recorded) = self.recording(|| self.server.push(case, tell, shown));
        leased.end(&self.daemon);
        found.see(case, &seen);
        let logged = Logged {
            is_recorded: !case.channel().is_dry_run(),
            verdicts: Some(case.pushed()),
            is_alike: case.is_alike_at_every_door(),
        };
        found.record("push", case, recorded, &logged);
    }

    /// Does something, and gives the decisions that the daemon recorded meanwhile.
    fn recording<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Recorded>) {
        let before = self.daemon.audit().decisions().len();
        let done = act();
        (done, self.daemon.audit().decisions().split_off(before))
    }
}

/// The commit that a question over gRPC is about.
fn asked_commit() -> String {
    wire::merging().head.expect("a head").to_string()
}

impl Findings {
    fn equal<T: PartialEq + ToString>(&mut self, door: &str, expected: &[T], given: &[T]) {
        if expected != given {
            let list = |all: &[T]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
            self.0.push(format!("{door}: {:?} is expected, and it is {:?}", list(expected), list(given)));
        }
    }

    fn verdicts(&mut self, door: &str, expected: &[Verdict], given: &[Verdict]) {
        let same = expected.len() == given.len();
        if !same || !expected.iter().zip(given).all(|(expected, given)| expected.is_met_by(given)) {
            self.0.push(format!("{door}: {} is expected, and it is {}", shown(expected), shown(given)));
        }
    }

    fn words(&mut self, door: &str, case: &Case, text: &str) {
        let text = flat(text);
        for fragment in case.says.iter().filter(|fragment| !text.contains(&flat(fragment))) {
            self.0.push(format!("{door}: nobody says `{fragment}`; it is `{text}`"));
        }
    }

    /// The words of an answer that is the same at each door.
    fn words_alike(&mut self, door: &str, case: &Case, text: &str) {
        if case.is_alike_at_every_door() {
            self.words(door, case, text);
        }
    }

    /// What the person at the terminal sees.
    fn see(&mut self, case: &Case, seen: &Seen) {
        let expected = case.pushed();
        let outcome = if expected.iter().any(|one| matches!(one, Verdict::Refused(_))) {
            Shown::Refused
        } else if expected.iter().any(|one| matches!(one, Verdict::Undecided(_))) {
            Shown::Undecided
        } else {
            Shown::Permitted
        };
        if outcome != seen.verdict {
            self.0
                .push(format!("push: {outcome:?} is expected, and it is {:?}:\n{}", seen.verdict, seen.text));
        }
        let codes = expected.iter().flat_map(Verdict::reasons).map(|reason| reason.code.clone()).collect();
        if seen.codes != codes {
            self.0.push(format!("push: {codes:?} are to be printed, and it is\n{}", seen.text));
        }
        self.words_alike("push", case, &seen.text);
    }

    /// What stands in the audit log: the same, with the grant.
    fn record(&mut self, door: &str, case: &Case, recorded: Vec<Recorded>, expected: &Logged) {
        let Logged { is_recorded, verdicts, is_alike } = expected;
        let door = format!("{door}, in the audit log");
        let decisions = recorded.len();
        if decisions != usize::from(*is_recorded) {
            self.0.push(format!("{door}: {decisions} decisions"));
        }
        for one in recorded {
            let whole = &one.decision.reasons;
            let of = |line: &Line| verdict(one.update(line.name.as_bytes()), whole);
            let given: Vec<_> = case.lines().iter().map(of).collect();
            if let Some(expected) = verdicts {
                self.verdicts(&door, expected, &given);
            }
            let shadow = one.updates.iter().flat_map(|update| &update.shadow);
            let would: Vec<_> = shadow.map(would).collect();
            if *is_alike {
                self.equal(&format!("{door}, in evaluate mode"), &case.would(), &would);
                let lifted = one.updates.iter().flat_map(|update| &update.lifted);
                let lifted: Vec<_> = lifted.map(|one| format!("{}:{}", one.rule, one.waiver)).collect();
                self.equal(&format!("{door}, by waivers"), &case.lifted, &lifted);
            }
        }
    }
}

fn verdict(update: &entry::Update, whole: &[entry::Reason]) -> Verdict {
    let reasons = update.reasons.iter().chain(whole);
    let reasons = reasons.map(|one| Reason::new(&one.code, one.rule.as_deref().unwrap_or_default()));
    match update.outcome {
        // The log tells the grant of every permit: without one it fits no case.
        Outcome::Permitted => Verdict::Permitted(Some(update.grant.clone().unwrap_or_default())),
        Outcome::Refused => Verdict::Refused(reasons.collect()),
        Outcome::Undecided => Verdict::Undecided(reasons.collect()),
    }
}

fn would(shadow: &entry::Shadow) -> Reason {
    let what = match shadow.would {
        Outcome::Permitted => "granted",
        Outcome::Refused => "blocked",
        Outcome::Undecided => "perhaps blocked",
    };
    Reason::new(what, &shadow.rule)
}

/// Words without the layout that a page gives them.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
