import java.io.IOException;

/** A request that gets an error status, after which its connection is closed. */
@SuppressWarnings("serial")
final class Malformed extends IOException {
    final int status;

    Malformed(int status) {
        super(Answer.reason(status));
        this.status = status;
    }
}
