//! What is shown at a start.
