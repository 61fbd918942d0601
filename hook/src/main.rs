//! The hook's process: hands the world to [`oam_hook::run`] and exits with what comes back.

use std::{env, io, process};

use oam_hook::{
    arguments::Arguments,
    run::{self, Streams},
};

fn main() {
    let mut streams = Streams {
        input: &mut io::stdin().lock(),
        output: &mut io::stdout().lock(),
        errors: &mut io::stderr().lock(),
    };
    let code = run::run(&Arguments::of_process(), env::vars_os().collect(), &mut streams);
    // Without unwinding: the runtime and its threads are left to the kernel.
    process::exit(code);
}
