//! What never ends by itself ends all the same: by its time, by the abort of its call, by closing. How long
//! it takes is `cargo bench -p calog-tests --bench interrupts`; what no interrupt gets through to is
//! `lost.rs` beside this.

mod ending;

use calog::plugin_api::Code;
use calog::{CLOSE_LIMIT, Closed};
use calog_tests::{Scene, endless};
use ending::{check_all, end, same};

#[test]
fn whatever_never_ends_is_ended() {
    check_all(
        |language, (name, code), by| {
            let scene = Scene::new(format!("{}: {name} by {by:?}", language.name));
            let (_, answer) = end(&scene, language, code, by);
            // A call that only leaves something behind had a value.
            if let Err(error) = &answer
                && ![Code::Limit, Code::Cancelled, Code::Dead].contains(&error.code())
            {
                return Err(format!("{error:?}"));
            }
            same("lost", scene.world.runtime.lost(), Vec::new())?;
            same("closed", scene.world.runtime.close(CLOSE_LIMIT), Closed::default())
        },
        endless,
    );
}
