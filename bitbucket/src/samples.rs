//! What tests here write often.

use crate::{
    permission::{Holder, Place},
    provision::Dated,
};

pub(crate) fn holder(text: &str) -> Holder {
    text.parse().unwrap()
}

pub(crate) fn place(text: &str) -> Place {
    text.parse().unwrap()
}

pub(crate) fn dated<T>(is: T) -> Dated<T> {
    Dated { at: 1, is }
}
