//! The command line of engagement-desk.
fn main() {}
