//! Which file a program's name means: the search of `execvp`, in the environment that the child will have.
//!
//! Called by `spawn` on the JavaScript thread. It only looks; the start itself may still be refused.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

/// The search path if the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// The path of `program`. A name with a slash is a path already. `folder` is the child's working directory: relative
/// entries of `PATH` start there.
///
/// # Errors
///
/// `ENOENT` if no entry has the file, `EACCES` if one has it and it is not executable.
pub(super) fn find(
    program: &OsStr,
    environment: &[(OsString, OsString)],
    folder: Option<&Path>,
) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Ok(program.into());
    }
    let path = environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(OsStr::new(DEFAULT_PATH), |(_, value)| value);
    let mut failure = libc::ENOENT;
    for entry in env::split_paths(path) {
        // An empty entry is the child's working directory.
        let candidate = if entry.as_os_str().is_empty() {
            Path::new(".").join(program)
        } else {
            entry.join(program)
        };
        match is_executable(folder, &candidate) {
            Some(true) => return Ok(candidate),
            Some(false) => failure = libc::EACCES,
            None => {}
        }
    }
    Err(io::Error::from_raw_os_error(failure))
}

/// Whether the candidate is a file with an execute bit; `None` if there is no such file. Whether this user may
/// execute it is left to the start.
fn is_executable(folder: Option<&Path>, candidate: &Path) -> Option<bool> {
    let seen_from_here = folder.map_or_else(|| candidate.to_owned(), |folder| folder.join(candidate));
    let found = seen_from_here.metadata().ok()?;
    Some(found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(path: &str, program: &str) -> Result<PathBuf, Option<i32>> {
        let environment = [(OsString::from("PATH"), OsString::from(path))];
        find(OsStr::new(program), &environment, None).map_err(|error| error.raw_os_error())
    }

    #[test]
    fn a_name_is_searched_in_the_path_of_the_child() {
        assert_eq!(find_in("/nowhere:/bin", "sh"), Ok(PathBuf::from("/bin/sh")));
        assert_eq!(find_in("/nowhere", "sh"), Err(Some(libc::ENOENT)));
        assert_eq!(find_in("", "sh"), Err(Some(libc::ENOENT)));
    }

    #[test]
    fn a_path_is_not_searched_for() {
        assert_eq!(find_in("/bin", "./no-such"), Ok(PathBuf::from("./no-such")));
    }

    #[test]
    fn a_file_without_an_execute_bit_is_eacces() {
        assert_eq!(find_in("/etc:/nowhere", "passwd"), Err(Some(libc::EACCES)));
    }
}
