//! Every kind of fault, as a person reads it.

mod allow;
mod block;
mod change;
mod grant;
mod require;
mod role;
mod syntax;
mod test;
mod whole;
