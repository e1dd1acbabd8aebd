//! The program: see the library.

fn main() -> std::process::ExitCode {
    pinreel_transcoder::main()
}
