//! Every kind of fault, as a person reads it.

mod block;
mod change;
mod grant;
mod role;
mod syntax;
mod test;
mod whole;
