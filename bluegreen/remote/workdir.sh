# The folder that the JVMs run in, and what the application wrote elsewhere.
# Takes: base workdir
# Uses: lib

# make_workdir ADOPT: makes the folder, as a link to the folder ADOPT if it is given: where the application ran so far.
make_workdir() {
    [ ! -d "$workdir" ] || return 0
    mkdir -p "$(dirname "$workdir")" 2>/dev/null || :
    if [ -n "$1" ]; then
        rm -f "$workdir.new"
        { ln -s "$1" "$workdir.new" && mv -fT "$workdir.new" "$workdir" && [ -d "$workdir" ]; } ||
            fail 1 "cannot make $workdir a link to $1"
        fact adopted "$1"
    else
        mkdir "$workdir" || fail 1 "cannot make the folder $workdir"
    fi
}

# gather: moves what the application wrote into the folders of releases, when it ran there, to the working directory. A
# name that exists there already stays where it is. Prints the facts `gathered.RELEASE` and `left.RELEASE` with the names.
gather() {
    gather_to=$(readlink -f "$workdir")
    # The newest first: what it wrote is what users saw last.
    release_folders=
    for release_folder in "$base"/releases/*/; do release_folders="${release_folder%/} $release_folders"; done
    for release_folder in $release_folders; do
        [ -d "$release_folder" ] || continue
        [ "$(readlink -f "$release_folder")" != "$gather_to" ] || continue
        strays "$release_folder"
        [ -n "$strays" ] || continue
        # A JVM that still runs there finds its files through links.
        link_back=
        for pair in "$base"/slots/*; do
            [ "$(readlink -f "$pair")" != "$(readlink -f "$release_folder")" ] || link_back=yes
        done
        gathered=
        for stray in "$release_folder"/* "$release_folder"/.[!.]*; do
            is_stray "$stray" || continue
            gather_into "$stray" "$gather_to/${stray##*/}"
            gathered=$gathered${gathered:+ }${stray##*/}
        done
        fact "gathered.${release_folder##*/}" "$gathered"
        strays "$release_folder"
        [ -z "$strays" ] || fact "left.${release_folder##*/}" "$strays"
    done
}
# gather_into FROM TO: moves a file or a folder; of a folder that exists at both places what exists at one.
gather_into() {
    if [ ! -e "$2" ] && [ ! -L "$2" ]; then
        if [ -n "$link_back" ]; then
            rm -f "$1.bluegreen-link"
            ln -s "$2" "$1.bluegreen-link" && mv -T "$1" "$2" && mv -fT "$1.bluegreen-link" "$1"
        else
            mv -T "$1" "$2"
        fi
    elif [ -d "$1" ] && [ ! -L "$1" ] && [ -d "$2" ]; then
        for inner in "$1"/* "$1"/.[!.]*; do
            if [ -e "$inner" ] && [ ! -L "$inner" ]; then gather_into "$inner" "$2/${inner##*/}"; fi
        done
        rmdir "$1" 2>/dev/null || :
    fi
}
# strays FOLDER: sets `strays` to the names in a release's folder that bluegreen did not put there; at most 20.
strays() {
    strays=
    stray_count=0
    for stray in "$1"/* "$1"/.[!.]*; do
        is_stray "$stray" || continue
        stray_count=$((stray_count + 1))
        [ "$stray_count" -le 20 ] || { strays="$strays …" && return; }
        strays=$strays${strays:+ }${stray##*/}
    done
}
is_stray() {
    case ${1##*/} in app.jar | release.json) return 1 ;; esac
    [ -e "$1" ] && [ ! -L "$1" ]
}
