//! One run of the hook, from the command line to the exit code.

use std::{
    io::{BufRead, Write},
    mem,
    path::Path,
    sync::Arc,
    time::Duration,
};

use oam_policy::Channel;
use oam_proto::{channel_to_wire, merging_to_wire, v1};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, timeout, timeout_at},
};
use tonic::transport;

use crate::{
    applied,
    arguments::{Arguments, Call, Command, HELP},
    ask::{self, Answer, AskError, Question},
    config::{Config, OpenAudited},
    environment::{self, Invocation, Moment, Updates, Variables},
    exit,
    git::ancestry::History,
    git_dir::Places,
    history::Histories,
    print, spool, stdin,
    symref::{self, SymrefError},
    undecided::Undecided,
};

/// How many records of earlier pushes a push delivers on its way out, and how long it may take over them.
const DELIVERED_PER_PUSH: usize = 4;
const DELIVERY_TIME: Duration = Duration::from_millis(200);

/// The process's standard streams.
pub struct Streams<'a> {
    /// What git writes.
    pub input: &'a mut dyn BufRead,
    /// For `--help` and `--version`.
    pub output: &'a mut dyn Write,
    /// What the pusher reads.
    pub errors: &'a mut dyn Write,
}

/// Runs the hook and gives the process's exit code. Does not panic and does not wait beyond the deadline, except for
/// git to write the push.
pub fn run(arguments: &Arguments, variables: Variables, streams: &mut Streams<'_>) -> i32 {
    let call = match arguments.parse() {
        Ok(call) => call,
        Err(error) => return undecided(&error.into(), Channel::Push, streams),
    };
    match call.command {
        Command::Help => say(streams.output, HELP, exit::PERMITTED),
        Command::Version => {
            say(streams.output, concat!("oam-hook ", env!("CARGO_PKG_VERSION"), "\n"), exit::PERMITTED)
        }
        Command::Deliver => deliver(&call, arguments, streams),
        Command::Check | Command::Applied => on_push(&call, arguments, variables, streams),
    }
}

fn undecided(why: &Undecided, channel: Channel, streams: &mut Streams<'_>) -> i32 {
    say(streams.errors, &print::not_checked(why, channel), exit::UNDECIDED)
}

/// Prints, and passes the exit code on: nobody listening changes no verdict.
fn say(stream: &mut dyn Write, text: &str, code: i32) -> i32 {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    code
}

/// Whether this push may go in; or, where it is in, that it is.
fn on_push(call: &Call, arguments: &Arguments, variables: Variables, streams: &mut Streams<'_>) -> i32 {
    let seems_in = environment::seems_applied(&variables, &call.command);
    let started = Setting::read(call, arguments, variables).and_then(|setting| Ok((setting, runtime()?)));
    let (setting, runtime) = match started {
        Ok(started) => started,
        Err(why) if seems_in => return not_reported(&why, streams),
        Err(why) => return undecided(&why, Channel::Push, streams),
    };
    let code = match setting.moment {
        Moment::Before => check(&setting, &runtime, streams),
        Moment::After => report(&setting, &runtime, streams),
    };
    // Dropping it would wait for its threads.
    mem::forget(runtime);
    code
}

fn check(setting: &Setting, runtime: &Runtime, streams: &mut Streams<'_>) -> i32 {
    let channel = setting.invocation.channel;
    match setting.verdict(streams.input, runtime) {
        Err(why) => undecided(&why, channel, streams),
        Ok(Verdict::LetThrough(banner)) => say(streams.errors, &banner, exit::PERMITTED),
        Ok(Verdict::Answered(answer, connection)) => {
            let code = setting.tell(&answer, streams);
            setting.deliver_some(connection, runtime);
            code
        }
    }
}

fn report(setting: &Setting, runtime: &Runtime, streams: &mut Streams<'_>) -> i32 {
    match setting.report(streams.input, runtime) {
        Ok(()) => exit::PERMITTED,
        Err(why) => not_reported(&*why, streams),
    }
}

/// git takes no notice of the code; whoever runs the hook by hand does.
fn not_reported(why: &dyn std::error::Error, streams: &mut Streams<'_>) -> i32 {
    say(streams.errors, &print::not_reported(&why.to_string()), exit::UNDECIDED)
}

fn runtime() -> Result<Runtime, Undecided> {
    Builder::new_current_thread().enable_all().build().map_err(Undecided::Start)
}

/// What is known before the push is read.
struct Setting {
    config: Config,
    places: Arc<Places>,
    variables: Arc<Variables>,
    moment: Moment,
    invocation: Invocation,
}

/// How it ended.
enum Verdict {
    /// A daemon answered, over this connection.
    Answered(Answer, transport::Channel),
    /// Nobody did, and it goes in all the same; with this banner.
    LetThrough(String),
}

impl Setting {
    fn read(call: &Call, arguments: &Arguments, variables: Variables) -> Result<Self, Undecided> {
        let config = Config::load(call, arguments)?;
        let places = Places::find(&variables, Path::new("."))?;
        let moment = environment::moment(&variables, &config, &call.command)?;
        let invocation = environment::read(&variables, &config, &places)?;
        let (places, variables) = (Arc::new(places), Arc::new(variables));
        Ok(Self { config, places, variables, moment, invocation })
    }

    fn verdict(&self, input: &mut dyn BufRead, runtime: &Runtime) -> Result<Verdict, Undecided> {
        let updates = match &self.invocation.updates {
            Updates::Stdin => stdin::read(input)?,
            Updates::DryRun(update) => vec![update.clone()],
        };
        runtime.block_on(async {
            let deadline = Instant::now() + self.config.deadline;
            let updates = self.resolved(updates, deadline).await?;
            let question = Question {
                opening: self.opening(),
                lease: self.invocation.lease.clone(),
                updates: Arc::new(updates),
                history: History::new(Arc::clone(&self.places), Arc::clone(&self.variables)),
                histories: self.histories(),
            };
            match ask::ask(&self.config, &question, deadline).await {
                Ok((answer, connection)) => Ok(Verdict::Answered(answer, connection)),
                Err(error) => self.without_daemon(error, &question),
            }
        })
    }

    fn report(&self, input: &mut dyn BufRead, runtime: &Runtime) -> Result<(), Box<dyn std::error::Error>> {
        let updates = stdin::read(input)?;
        runtime.block_on(async {
            let deadline = Instant::now() + self.config.deadline;
            let updates = self.resolved(updates, deadline).await?;
            Ok(applied::report(&self.config, &self.opening(), updates, deadline).await?)
        })
    }

    /// The updates, and what they move besides. Without a repository nothing is known to be symbolic.
    async fn resolved(
        &self,
        updates: Vec<oam_policy::RefUpdate>,
        deadline: Instant,
    ) -> Result<Vec<oam_policy::RefUpdate>, SymrefError> {
        let Some(git_dir) = &self.places.git_dir else { return Ok(updates) };
        let late = |_| SymrefError::Failed("git took longer than the hook's deadline".into());
        timeout_at(deadline, symref::resolve(updates, git_dir, &self.variables)).await.map_err(late)?
    }

    fn histories(&self) -> Histories {
        let (places, variables) = (Arc::clone(&self.places), Arc::clone(&self.variables));
        Histories::new(places, variables, self.invocation.pusher.as_str())
    }

    fn opening(&self) -> v1::Opening {
        v1::Opening {
            repository: self.invocation.repository.as_str().to_owned(),
            pusher: self.invocation.pusher.as_str().to_owned(),
            channel: channel_to_wire(self.invocation.channel) as i32,
            hook_version: env!("CARGO_PKG_VERSION").to_owned(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pull_request: self.invocation.pull_request.as_ref().map(merging_to_wire),
        }
    }

    /// The one way in without a daemon: the administrator opened it for every ref of this push, and the push is
    /// recorded. One too big for a message is not let in: else whoever makes a push slow to decide would pass.
    fn without_daemon(&self, error: AskError, question: &Question) -> Result<Verdict, Undecided> {
        let open = self.config.on_unavailable.as_ref().filter(|open| self.opens(open, &error, question));
        let Some(open) = open else { return Err(error.into()) };
        let channel = self.invocation.channel;
        let why = error.to_string();
        if channel.is_dry_run() {
            return Ok(Verdict::LetThrough(print::let_through(&why, channel, None)));
        }
        let push = spool::push(question.opening.clone(), &question.updates, why.clone());
        let id = push.id.clone();
        match spool::keep(&open.spool, &spool::Record::Unchecked(push)) {
            Ok(()) => Ok(Verdict::LetThrough(print::let_through(&why, channel, Some(&id)))),
            Err(spool) => Err(Undecided::Spool { ask: error, spool }),
        }
    }

    fn opens(&self, open: &OpenAudited, error: &AskError, question: &Question) -> bool {
        let pusher = &self.invocation.pusher;
        error.is_unavailability()
            && ask::fits_one(&question.updates)
            && question.updates.iter().all(|update| open.covers(&update.name, pusher))
    }

    fn tell(&self, answer: &Answer, streams: &mut Streams<'_>) -> i32 {
        match answer {
            Answer::Permitted { notices } if notices.is_empty() => exit::PERMITTED,
            Answer::Permitted { notices } => say(streams.errors, &print::noticed(notices), exit::PERMITTED),
            Answer::Refused(decision) => {
                say(streams.errors, &print::refused(decision, &self.invocation), exit::REFUSED)
            }
            Answer::Undecided(decision) => {
                say(streams.errors, &print::not_decided(decision, &self.invocation), exit::UNDECIDED)
            }
        }
    }

    /// A daemon answers again: it is told of a few pushes that went in while none did. The timer does the rest, so
    /// what goes wrong here is not this pusher's to read.
    fn deliver_some(&self, connection: transport::Channel, runtime: &Runtime) {
        let Some(open) = &self.config.on_unavailable else { return };
        let Ok(mut records) = spool::waiting(&open.spool) else { return };
        records.truncate(DELIVERED_PER_PUSH);
        if !records.is_empty() {
            let _ = runtime
                .block_on(async { timeout(DELIVERY_TIME, spool::deliver(connection, &records)).await });
        }
    }
}

/// `oam-hook deliver`: everything in the spool, to the first daemon that answers.
fn deliver(call: &Call, arguments: &Arguments, streams: &mut Streams<'_>) -> i32 {
    match try_deliver(call, arguments) {
        Ok(text) => say(streams.errors, &print::notice(&text), exit::PERMITTED),
        Err(text) => say(streams.errors, &print::notice(&text), exit::UNDECIDED),
    }
}

fn try_deliver(call: &Call, arguments: &Arguments) -> Result<String, String> {
    let config = Config::load(call, arguments).map_err(|error| format!("{error}: {}.", error.advice()))?;
    let Some(open) = &config.on_unavailable else {
        return Err("Nothing to deliver: the configuration has no `[on_unavailable]`.".into());
    };
    let records = spool::waiting(&open.spool).map_err(|error| format!("{error}: {}.", error.advice()))?;
    if records.is_empty() {
        return Ok("Nothing to deliver.".into());
    }
    let runtime = runtime().map_err(|error| error.to_string())?;
    let delivered = runtime.block_on(async {
        let connection = ask::reach(&config).await;
        let connection = connection
            .map_err(|error| format!("Nothing was delivered: {error}. Everything stays in the spool."))?;
        spool::deliver(connection, &records).await.map_err(|error| error.to_string())
    });
    mem::forget(runtime);
    let spool::Delivered { sent, set_aside } = delivered?;
    match set_aside {
        0 => Ok(format!("Delivered: {sent}.")),
        _ => Err(format!("Delivered: {sent}. Set aside as `*.bad`, being no records: {set_aside}.")),
    }
}
