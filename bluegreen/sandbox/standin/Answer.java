import java.nio.charset.StandardCharsets;

/** An HTTP answer with a body of known length; the location is null if it is not a redirect. */
record Answer(int status, String type, byte[] body, String location) {
    Answer(int status, String type, byte[] body) {
        this(status, type, body, null);
    }

    static Answer of(int status, String type, String body) {
        return new Answer(status, type, body.getBytes(StandardCharsets.UTF_8));
    }

    static Answer redirect(int status, String location) {
        return new Answer(status, "text/plain;charset=UTF-8", new byte[0], location);
    }

    static Answer text(int status, String body) {
        return of(status, "text/plain;charset=UTF-8", body);
    }

    /** The reason phrase of a status that the stand-in uses. */
    static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 301 -> "Moved Permanently";
            case 302 -> "Found";
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 403 -> "Forbidden";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 406 -> "Not Acceptable";
            case 410 -> "Gone";
            case 413 -> "Content Too Large";
            case 500 -> "Internal Server Error";
            case 503 -> "Service Unavailable";
            default -> throw new IllegalArgumentException("unknown status: " + status);
        };
    }
}
