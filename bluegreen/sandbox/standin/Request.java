import java.util.Locale;
import java.util.Map;

/** An HTTP request; the names of its headers are in lower case. */
record Request(String method, String target, String protocol, Map<String, String> headers, byte[] body) {
    String path() {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    /** The `ms` of the query: how long the answer is to take. */
    long delayMillis() {
        for (String pair : target.substring(target.indexOf('?') + 1).split("&")) {
            if (pair.matches("ms=\\d{1,9}")) {
                return Long.parseLong(pair.substring(3));
            }
        }
        return 0;
    }

    boolean keepsAlive() {
        String connection = headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT);
        return protocol.equals("HTTP/1.1") ? !connection.contains("close") : connection.contains("keep-alive");
    }
}
