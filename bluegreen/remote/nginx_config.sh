# What nginx would load: its verdict on the configuration, and the parts of it that decide where requests go.
# Takes: nginx
# Uses: lib

on_nginx() {
    eval "set -- $nginx \"\$@\""
    "$@"
}

# configuration: prints the configuration as `nginx -T` does, with those directives only that nginx_config.py reads: the
# others may hold secrets.
configuration() {
    on_nginx -T 2>/dev/null | awk '
        BEGIN {
            count = split("http server listen server_name include upstream set if location proxy_pass fastcgi_pass uwsgi_pass " \
                "scgi_pass grpc_pass server_names_hash_bucket_size root open_file_cache keepalive_min_timeout proxy_cache return try_files", word, " ")
            for (n = 1; n <= count; n++) kept[word[n]] = 1
        }
        function end_of_directive(last, name) {
            name = words[1]
            # Its body is Lua, not nginx.
            if (last == "{" && name ~ /_by_lua_block$/) { lua = 1; text = ""; count_of_words = 0; return }
            # Of a header only what is a variable: the rest may be a password.
            if (name == "proxy_set_header" && count_of_words == 3 && words[3] ~ /^\$[a-z_0-9]+$/) kept_now = 1
            else kept_now = name in kept
            if (last == "{") print (kept_now ? text : "other") " {"
            else if (kept_now) print text ";"
            text = ""
            count_of_words = 0
        }
        quote == "" && /^# configuration file .*:$/ { print; next }
        {
            rest = $0
            while (rest != "") {
                if (lua > 0) {
                    if (!match(rest, /[{}]/)) next
                    lua += substr(rest, RSTART, 1) == "{" ? 1 : -1
                    rest = substr(rest, RSTART + 1)
                    continue
                }
                if (quote != "") {
                    # The end of a quoted word that began on an earlier line.
                    if (!match(rest, quote == "\"" ? "^([^\"\\\\]|\\\\.)*\"" : "^([^\047\\\\]|\\\\.)*\047")) { rest = ""; continue }
                    quote = ""
                } else if (match(rest, /^[ \t\r]+/)) {
                    rest = substr(rest, RLENGTH + 1)
                    continue
                } else if (rest ~ /^#/) {
                    next
                } else if (match(rest, /^[{};]/)) {
                    token = substr(rest, 1, 1)
                    rest = substr(rest, 2)
                    if (token == "}") print "}"
                    else if (count_of_words || token == "{") end_of_directive(token)
                    continue
                } else if (!match(rest, /^("([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|(\$\{[^}]*\}|\\.|[^ \t\r{};"\047\\])(\$\{[^}]*\}|\\.|[^ \t\r{};\\])*)/)) {
                    # A quoted word that goes on on the next line, or a lone backslash.
                    quote = substr(rest, 1, 1)
                    if (quote != "\"" && quote != "\047") quote = ""
                    words[++count_of_words] = ""
                    rest = ""
                    continue
                }
                words[++count_of_words] = substr(rest, 1, RLENGTH)
                text = text (text == "" ? "" : " ") words[count_of_words]
                rest = substr(rest, RLENGTH + 1)
            }
        }'
}

# group_port NAME: prints the port of this machine that all requests for an upstream group go to; reads `configuration`.
group_port() {
    awk -v name="$1" '
        $1 == "upstream" { inside = ($2 == name || $2 == "\"" name "\"") ; next }
        $1 == "}" { inside = 0 }
        inside && $1 == "server" { servers++; address = $2; sub(/;$/, "", address) }
        END { if (servers == 1 && sub(/^(127\.[0-9.]+|localhost|\[::1\]):/, "", address)) print address }'
}
