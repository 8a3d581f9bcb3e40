# The java command as the supervisor finds it, which is not with the PATH of a login shell.
# Takes: java env_path slots
# Uses: lib supervisor

# find_java [RUNNER…]: sets `java_searched`, the PATH on which the supervisor looks, and `java_path`, what it finds there,
# empty if nothing. The user is the current one, or the one that RUNNER switches to.
find_java() {
    java_searched=${env_path:-$(search_path "${slots%%:*}")}
    # shellcheck disable=SC2016 # expanded by the inner shell
    java_path=$("$@" env "PATH=$java_searched" /bin/sh -c '
        found=$(command -v "$1") && [ -f "$found" ] && [ -x "$found" ] && printf "%s\n" "$found"
    ' sh "$java" 2>/dev/null </dev/null) || java_path=
}
# java_elsewhere: prints where there is a java that the supervisor does not find: on the PATH of this user's shell, or
# where SDKMAN and others install it.
java_elsewhere() {
    on_path=$(command -v "$java" 2>/dev/null) || on_path=
    for candidate in "$on_path" "${JAVA_HOME:+$JAVA_HOME/bin/java}" "${HOME:-}/.sdkman/candidates/java/current/bin/java" \
        /usr/lib/jvm/*/bin/java /opt/*/bin/java "${HOME:-}"/*/bin/java; do
        case $candidate in /*) [ ! -f "$candidate" ] || [ ! -x "$candidate" ] || { say "$candidate" && return; } ;; esac
    done
}
# java_version PATH [RUNNER…]: prints the version of a java, nothing if it does not start.
java_version() {
    [ -n "$1" ] || return 0
    # A JDK says its version in a file, which costs no start of a JVM.
    version_home=$(readlink -f "$1") || version_home=$1
    version=$(sed -n 's/^JAVA_VERSION="\([0-9.]*\).*/\1/p' "${version_home%/bin/*}/release" 2>/dev/null) || version=
    version_of=$1
    shift
    [ -n "$version" ] || version=$("$@" "$version_of" -version 2>&1 </dev/null | sed -n 's/.*version "\([0-9.]*\).*/\1/p' | head -n 1) || :
    say "$version"
}
