//! A daemon's answer laid out for a person: whatever it says, every line fits and nothing in it is raw.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_hook::{
    environment::{Invocation, Updates},
    print,
};
use oam_policy::{Channel, Repository, Username};
use oam_proto::v1::{AuthorizeResponse, authorize_response::Step};
use prost::Message as _;
use unicode_width::UnicodeWidthStr as _;

fuzz_target!(|data: &[u8]| {
    let Ok(answer) = AuthorizeResponse::decode(data) else { return };
    let Some(Step::Decision(decision)) = answer.step else { return };
    for channel in [Channel::Push, Channel::PullRequestDryRun] {
        let invocation = Invocation {
            repository: Repository::parse("PAY/api").unwrap(),
            pusher: Username::parse("alice").unwrap(),
            channel,
            pull_request: None,
            lease: None,
            updates: Updates::Stdin,
        };
        for text in [print::refused(&decision, &invocation), print::not_decided(&decision, &invocation)] {
            assert_plain(&text);
            for line in text.lines() {
                assert!(line.width() <= 72, "{line:?}");
            }
        }
    }
});
