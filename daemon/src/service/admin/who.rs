use std::sync::Arc;

use oam_policy::{
    NonEmpty, Question,
    decide::PrincipalKind,
    who::{self, Principal, Stop, Way, Who, WhoError},
};
use oam_proto::{
    undecided_to_wire,
    v1::{self, who_response::Step},
};
use tokio::{sync::mpsc, task};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    basis::{self, Basis, Wanted},
    circumstances,
};
use crate::service::Live;

/// How many people one message names: with the longest names, a quarter of the largest message.
const PEOPLE_PER_MESSAGE: usize = 4_000;

type Answers = mpsc::Sender<Result<v1::WhoResponse, Status>>;

/// Everybody who may do one thing to one ref.
pub(super) async fn who(
    live: Arc<Live>,
    asked: v1::WhoRequest,
) -> Result<ReceiverStream<Result<v1::WhoResponse, Status>>, Status> {
    let circumstances = asked.circumstances.as_ref();
    let question =
        basis::question(&asked.repository, &asked.r#ref, &asked.verb, &asked.channel, circumstances)?;
    let wanted =
        Wanted { files: asked.policy, generation: asked.generation, at_micros: asked.at_micros, about: None };
    let found = basis::find(&live, wanted).await?;
    let (answers, stream) = mpsc::channel(4);
    task::spawn_blocking(move || {
        let steps = match found {
            Err(faults) => vec![Step::Faults(faults)],
            // The turn of a draft is over with it: nobody waits for one who is slow to read.
            Ok(basis) => answer(&basis, &question, &|| !answers.is_closed()),
        };
        // `None`: nobody listens any more.
        let _told = steps.into_iter().try_for_each(|step| send(&answers, step));
    });
    Ok(ReceiverStream::new(stream))
}

/// The whole answer; nothing when nobody listens any more.
fn answer(basis: &Basis, question: &Question, is_heard: &dyn Fn() -> bool) -> Vec<Step> {
    match who::who_while(&basis.state, question, basis.at, is_heard) {
        Ok(who) => told(basis, &who, question),
        Err(WhoError::Undecided(reasons)) => {
            let undecided = undecided_to_wire(&reasons);
            vec![Step::Opening(v1::WhoOpening { undecided, ..opening(basis, question) })]
        }
        Err(WhoError::GivenUp) => Vec::new(),
    }
}

fn told(basis: &Basis, who: &Who<'_>, question: &Question) -> Vec<Step> {
    let services = who.can.values().flatten().filter(|one| is_service(one)).count() as u64;
    let users = who.count() - services;
    let unclear = who.unclear.count;
    let unclear_for_want_of = if unclear == 0 { String::new() } else { who.unclear.needed.told() };
    let undecided = NonEmpty::from_vec(who.undecided.reasons.clone());
    let opening = v1::WhoOpening {
        users,
        services,
        unclear,
        unclear_for_want_of,
        undecided_people: who.undecided.count,
        supposing: who.supposing.iter().cloned().collect(),
        undecided_because: undecided.as_ref().map(undecided_to_wire).unwrap_or_default(),
        ..opening(basis, question)
    };
    let mut steps = vec![Step::Opening(opening)];
    for (way, people) in &who.can {
        let parts = people.chunks(PEOPLE_PER_MESSAGE);
        steps.extend(parts.map(|some| Step::Can(can(way, people.len(), some))));
    }
    steps.extend(who.stopped.iter().map(|(stop, count)| Step::Stopped(stopped(stop, *count))));
    steps
}

fn send(answers: &Answers, step: Step) -> Option<()> {
    answers.blocking_send(Ok(v1::WhoResponse { step: Some(step) })).ok()
}

fn opening(basis: &Basis, question: &Question) -> v1::WhoOpening {
    v1::WhoOpening {
        policy: basis.policy(),
        snapshot: basis.snapshot.clone(),
        commit_taken: circumstances::are_of_commit(question),
        ..Default::default()
    }
}

fn can(way: &Way, total: usize, some: &[Principal<'_>]) -> v1::WhoCan {
    let principal = |one: &Principal<'_>| v1::WhoPrincipal {
        username: one.username.as_str().to_owned(),
        service: is_service(one),
    };
    v1::WhoCan {
        grant: way.grant.to_string(),
        role: role(way),
        total: total as u64,
        principals: some.iter().map(principal).collect(),
        privilege: way.elevation.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn stopped(stop: &Stop, count: u64) -> v1::WhoStopped {
    v1::WhoStopped {
        grant: stop.way.grant.to_string(),
        role: role(&stop.way),
        rules: stop.rules.iter().map(ToString::to_string).collect(),
        count,
    }
}

fn role(way: &Way) -> String {
    way.role.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn is_service(one: &Principal<'_>) -> bool {
    one.kind == PrincipalKind::Service
}

#[cfg(test)]
mod tests {
    use oam_policy::{
        UndecidedReason,
        who::{Undecided, Who},
    };
    use oam_proto::v1::{self, who_response::Step};
    use tokio_stream::StreamExt as _;

    use super::{Wanted, basis, told, who};
    use crate::{replay::tests::live, service::admin::explain::tests::draft};

    /// The first line of the answer.
    async fn opening(circumstances: v1::Circumstances) -> v1::WhoOpening {
        let (live, _folder) = live().await;
        let asked = v1::WhoRequest {
            repository: "PAY/api".into(),
            r#ref: b"refs/heads/main".to_vec(),
            verb: "update".into(),
            policy: draft(),
            circumstances: Some(circumstances),
            ..v1::WhoRequest::default()
        };
        let mut steps = who(live, asked).await.unwrap();
        match steps.next().await.unwrap().unwrap().step {
            Some(Step::Opening(opening)) => opening,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_supposed_of_those_who_can_is_told_and_that_a_commit_was_heard_of() {
        let none = v1::Circumstances { paths_given: true, ..Default::default() };
        let can = opening(none.clone()).await;
        assert_eq!((can.users, can.unclear, can.commit_taken), (2, 0, false));
        assert_eq!(can.supposing, ["commits are signed by their committers"]);
        let said = v1::Circumstances { commit_flaws: vec!["unsigned".into()], commit_blob: 7, ..none };
        let cannot = opening(said).await;
        assert_eq!((cannot.users, cannot.commit_taken), (0, true));
        assert!(cannot.supposing.is_empty(), "{cannot:?}");
        // Nobody is known to be able to: nothing is supposed of anybody.
        let depends = opening(v1::Circumstances::default()).await;
        assert_eq!((depends.users, depends.unclear), (0, 2));
        assert!(depends.supposing.is_empty(), "{depends:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_how_many_nothing_can_be_decided_is_told_with_why() {
        let (live, _folder) = live().await;
        let wanted = Wanted { files: draft(), generation: 0, at_micros: 0, about: None };
        let basis = basis::find(&live, wanted).await.unwrap().unwrap();
        let question = basis::question("PAY/api", b"refs/heads/main", "update", "", None).unwrap();
        let undecided = Undecided { count: 2, reasons: vec![UndecidedReason::PolicyMissing] };
        let steps = told(&basis, &Who { undecided, ..Who::default() }, &question);
        let [Step::Opening(opening)] = &steps[..] else { panic!("{steps:?}") };
        let because: Vec<_> = opening.undecided_because.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!((opening.users, opening.undecided_people, because), (0, 2, vec!["policy-missing"]));
    }
}
