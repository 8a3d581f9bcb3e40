# Which processes and units belong to the app.
# Takes: app base slots
# Uses: lib

# is_ours PID SLOT: whether it is a JVM of this app and slot, started from a release of $base; or one that the old
# scripts started by hand: a jar, run by this user, with the slot's profile.
is_ours() {
    words=" $(words_of "$1")"
    case $words in
    *" -Dbluegreen.app="*)
        case "$(readlink "/proc/$1/cwd" 2>/dev/null)/" in
        "$(cd "$base" 2>/dev/null && pwd -P)/releases/"*) ;;
        *) return 1 ;;
        esac
        case $words in *" -Dbluegreen.app=$app -Dbluegreen.slot=$2 "*) return 0 ;; esac
        ;;
    *" -jar "*)
        [ "$(stat -c %u "/proc/$1" 2>/dev/null)" = "$(id -u)" ] || return 1
        case $words in *" -Dspring.profiles.active=$2 "*.jar* | *.jar*" --spring.profiles.active=$2 "*) return 0 ;; esac
        ;;
    esac
    return 1
}

# unit_of_others: prints the path of a unit template with the app's name that is not ours, such as user@.service.
unit_of_others() {
    unit_path=$(property_of "$app@${slots%%:*}.service" FragmentPath)
    [ "$unit_path" = "/etc/systemd/system/$app@.service" ] || say "$unit_path"
}
