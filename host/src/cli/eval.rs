//! `calog eval`: one piece of code in one language. What it prints is all that is shown.

use std::path::Path;

use calog::Open;

use super::Common;
use super::exit::{Exit, NO_ENGINE};
use super::session::Session;

/// Runs the code and gives the exit code.
pub(super) fn eval(common: &Common, language: &str, code: &str, args: Vec<String>) -> Result<u8, Exit> {
    let session = Session::start(common, &[], &[Path::new(".")], args)?;
    if session.runtime.catalog().engine_named(language).is_none() {
        let missing = calog::plugins::missing_engine(session.runtime.catalog(), language);
        return Err(Exit::new(NO_ENGINE, format!("error: {missing}")));
    }
    match session.runtime.open(Open::empty(language).name("eval")) {
        Ok(context) => session.runtime.eval(&context, code),
        Err(error) => session.fail(&error),
    }
    Ok(session.finish())
}
