use oam_policy::facts::SignatureState;
use oam_proto::v1;

use crate::service::Live;

/// What a signature is worth. It is judged as it arrives: what it signs is not kept.
pub(super) fn worth(_live: &Live, _signed: &v1::Signed) -> SignatureState {
    SignatureState::Bad { why: "no key is known".to_owned() }
}
