use oam_policy::trial::{TestOutcome, TestResult};

use crate::v1::{self, test_outcome::Result as Wire};

/// The message for what came of a policy's test.
pub fn test_outcome_to_wire(result: &TestResult) -> v1::TestOutcome {
    let case = &result.case;
    let (outcome, found, why) = match &result.outcome {
        TestOutcome::Passed => (Wire::Passed, Vec::new(), Vec::new()),
        TestOutcome::Failed(found) => (Wire::Failed, found.answers.clone(), found.reasons.clone()),
        TestOutcome::NotRun(why) => (Wire::NotRun, Vec::new(), vec![(*why).to_owned()]),
    };
    v1::TestOutcome {
        result: outcome as i32,
        file: case.place.file.clone(),
        line: case.place.line,
        column: case.place.column,
        who: case.asker.to_string(),
        push: case.push(),
        channel: case.question.channel.as_str().to_owned(),
        at_micros: case.at.map_or(0, jiff::Timestamp::as_microsecond),
        expected: case.expect.to_string(),
        found,
        why,
    }
}
