//! `oam report …`: what auditors ask, answered from the signed log.

use std::{collections::BTreeSet, fs, path::PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use oam_audit::entry::Entry;

use super::{
    Context, Ending,
    audit::{self, Place},
    when::{When, when},
};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{
        help,
        report::{Format, Grounds, Kind, Report, moment},
        verify,
    },
    query::{Filter, Search},
};

mod access;
mod anomalies;
mod attest;
mod leavers;
mod policy_changes;
mod privileged_use;

/// `oam report …`.
#[derive(Debug, Subcommand)]
pub enum Reports {
    /// Who could do what where, by the policy and the directory of that moment; the daemon is asked for those
    #[command(after_long_help = help::access_report())]
    AccessMatrix(access::Matrix),
    /// The same to be reviewed: with what each did last, and room for a decision
    #[command(after_long_help = help::access_report())]
    AccessReview(access::Matrix),
    /// What services may push at any time, without a lease: each is something to look at, unless the policy allows it
    #[command(after_long_help = help::access_report())]
    StandingAccess(access::Services),
    /// Answer for rows of an access review: they are accepted, or to be taken away
    #[command(after_long_help = help::attest())]
    Attest(attest::Attest),
    /// Who was cut off, when that was in force, and what they tried after it
    #[command(after_long_help = help::report())]
    Leavers(Common),
    /// Each change of the policy: who proposed it, who approved it, and what it changed
    #[command(after_long_help = help::report())]
    PolicyChanges(Common),
    /// Each use of a privilege: rules that were lifted, pushes without a decision, what administrators did
    #[command(after_long_help = help::report())]
    PrivilegedUse(Common),
    /// What is unusual: refusals, stale sources, missing hooks, gaps
    #[command(after_long_help = help::report())]
    Anomalies(Common),
}

/// What all of them take.
#[derive(Debug, Args)]
pub struct Common {
    /// From when on: so long ago (`90d`), a day (`2026-12-24`), or a moment (`2026-12-24T08:00:00Z`)
    #[arg(long, value_name = "WHEN", default_value = "90d", value_parser = when)]
    since: When,
    /// Until when, without that moment itself; without it, until now
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
    /// How it is printed; with `--json`, as `json`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write a proof of every entry that is named into this folder, to be checked with `oam audit verify --proof`
    #[arg(long, value_name = "DIR")]
    proofs: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Runs one of them. The exit code says whether there is something to look at.
///
/// # Errors
/// When the log cannot be read, or is not in order.
pub async fn run(report: &Reports, context: &mut Context) -> Ending {
    match report {
        Reports::AccessMatrix(matrix) => access::matrix(matrix, context).await,
        Reports::AccessReview(matrix) => access::review(matrix, context).await,
        Reports::StandingAccess(services) => access::services(services, context).await,
        Reports::Attest(attest) => attest::run(attest, context).await,
        Reports::Leavers(common) => leavers::run(common, context),
        Reports::PolicyChanges(common) => policy_changes::run(common, context),
        Reports::PrivilegedUse(common) => privileged_use::run(common, context),
        Reports::Anomalies(common) => anomalies::run(common, context),
    }
}

/// A report under way: the log, and the time that it is about.
struct Work {
    search: Search,
    since: Timestamp,
    until: Timestamp,
    now: Timestamp,
    /// The entries that are named.
    named: BTreeSet<u64>,
}

impl Work {
    fn begin(common: &Common, context: &Context) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let (since, until) = (common.since.moment(now), common.until.map_or(now, |until| until.moment(now)));
        let search = common.place.search(Filter::default(), context)?;
        Ok(Self::new(search, since, until, now))
    }

    fn new(search: Search, since: Timestamp, until: Timestamp, now: Timestamp) -> Self {
        Self { search, since, until, now, named: BTreeSet::new() }
    }

    /// A filter for the time of the report.
    fn filter(&self) -> Filter {
        Filter { since: Some(self.since), until: Some(self.until), ..Filter::default() }
    }

    fn grounds(&mut self) -> Grounds {
        let (since, until, made) = (moment(self.since), moment(self.until), moment(self.now));
        let log = self.search.log();
        Grounds {
            log: log.key().name().to_string(),
            key: log.key().to_string(),
            entries: log.size(),
            root: log.root().to_string(),
            since: Some(since),
            until: Some(until),
            made,
            besides: Vec::new(),
        }
    }

    fn report<'t>(
        &mut self,
        kind: Kind,
        common: &Common,
        context: &'t mut Context,
    ) -> Result<Report<'t>, Failure> {
        let grounds = self.grounds();
        Report::begin(kind, common.format, &grounds, &mut context.terminal)
    }

    /// What is gone of the time that it is about: a report is silent of that.
    fn gone(&self) -> Option<String> {
        let pruned = self.search.pruned()?;
        let begins = pruned.told.older_than.timestamp();
        (self.since < begins)
            .then(|| format!("it says nothing of what was removed: {}", verify::pruned(pruned)))
    }

    /// An entry in words, to be found again: `#7 2026-11-23T17:21:14Z`.
    fn named(&mut self, seq: u64, at: Timestamp) -> String {
        self.named.insert(seq);
        format!("#{seq} {}", moment(at))
    }

    /// As [`Work::named`] for an entry that is; no name for others.
    fn named_if(&mut self, is_named: bool, entry: &Entry) -> String {
        if is_named { self.named(entry.seq, entry.time.timestamp()) } else { String::new() }
    }

    /// Ends the report, and writes the proofs.
    fn end(mut self, common: &Common, report: Report<'_>, notes: &[String]) -> Ending {
        let notes: Vec<String> = self.gone().into_iter().chain(notes.iter().cloned()).collect();
        let as_it_should_be = report.end(&notes)?;
        if let Some(folder) = &common.proofs {
            fs::create_dir_all(folder).map_err(|source| Failure::write(folder, source))?;
            for seq in &self.named {
                let proof = audit::prove::signed(self.search.log(), *seq)?;
                let path = folder.join(format!("{seq}.tlog-proof"));
                fs::write(&path, proof).map_err(|source| Failure::write(&path, source))?;
            }
        }
        Ok(if as_it_should_be { Exit::Ok } else { Exit::No })
    }
}
