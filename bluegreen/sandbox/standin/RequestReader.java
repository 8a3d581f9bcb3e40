import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Reads the HTTP/1.1 requests of one connection. */
final class RequestReader {
    private static final int LONGEST_LINE = 16_384;
    private static final int LARGEST_BODY = 256 << 20;

    private final InputStream in;
    private final OutputStream out;

    /** The output receives `100 Continue` when the client expects it. */
    RequestReader(InputStream in, OutputStream out) {
        this.in = in;
        this.out = out;
    }

    Request read() throws IOException {
        String[] first = line().split(" ");
        if (first.length != 3 || !first[2].startsWith("HTTP/1.")) {
            throw new Malformed(400);
        }
        Map<String, String> headers = new HashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            if (colon < 1 || headers.size() > 200) {
                throw new Malformed(400);
            }
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
        }
        if (headers.getOrDefault("expect", "").equalsIgnoreCase("100-continue")) {
            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
        return new Request(first[0], first[1], first[2], headers, body(headers));
    }

    /** The next line without its end. */
    String line() throws IOException {
        StringBuilder line = new StringBuilder(64);
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException();
            }
            if (line.length() > LONGEST_LINE) {
                throw new Malformed(400);
            }
            line.append((char) next);
        }
        int end = line.length();
        return end > 0 && line.charAt(end - 1) == '\r' ? line.substring(0, end - 1) : line.toString();
    }

    private byte[] body(Map<String, String> headers) throws IOException {
        if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
            return chunks();
        }
        return exactly(length(headers.getOrDefault("content-length", "0"), 10));
    }

    private byte[] chunks() throws IOException {
        var whole = new ByteArrayOutputStream();
        for (int size = chunkSize(); size > 0; size = chunkSize()) {
            whole.write(exactly(size));
            line();
            if (whole.size() > LARGEST_BODY) {
                throw new Malformed(413);
            }
        }
        while (!line().isEmpty()) {
            // trailers are ignored
        }
        return whole.toByteArray();
    }

    private int chunkSize() throws IOException {
        return length(line().split(";")[0].strip(), 16);
    }

    private static int length(String digits, int radix) throws IOException {
        try {
            long length = Long.parseLong(digits, radix);
            if (length < 0) {
                throw new Malformed(400);
            }
            if (length > LARGEST_BODY) {
                throw new Malformed(413);
            }
            return (int) length;
        } catch (NumberFormatException exception) {
            throw new Malformed(400);
        }
    }

    private byte[] exactly(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException();
        }
        return bytes;
    }
}
