import java.nio.charset.StandardCharsets;

/** An HTTP answer with a body of known length. */
record Answer(int status, String type, byte[] body) {
    static Answer of(int status, String type, String body) {
        return new Answer(status, type, body.getBytes(StandardCharsets.UTF_8));
    }

    static Answer text(int status, String body) {
        return of(status, "text/plain;charset=UTF-8", body);
    }

    /** The reason phrase of a status that the stand-in uses. */
    static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 413 -> "Content Too Large";
            case 500 -> "Internal Server Error";
            case 503 -> "Service Unavailable";
            default -> throw new IllegalArgumentException("unknown status: " + status);
        };
    }
}
