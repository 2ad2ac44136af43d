//! Model checks: a checker decides which thread goes on. See "Model checks" in `docs/contributing.md`
//! for how they are run and replayed.
