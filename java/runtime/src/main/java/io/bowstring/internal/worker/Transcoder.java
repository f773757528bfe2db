package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.StoreClient;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Failure;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.Transcode;
import io.bowstring.internal.wire.Transcoded;
import io.bowstring.internal.wire.ValueState;
import java.lang.ref.Reference;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Writes Java values so that other languages can read them (spec section 3.2, rule 2), on a thread of its own. */
final class Transcoder {
    private final Session session;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread made = new Thread(work, "bowstring-transcode");
        made.setDaemon(true);
        return made;
    });

    Transcoder(Session session) {
        this.session = session;
    }

    void start(Transcode wanted, byte[] body) {
        thread.execute(() -> transcode(wanted, body));
    }

    private void transcode(Transcode transcode, byte[] body) {
        try {
            if (transcode.target != Encoding.PORTABLE) {
                throw new CrossLanguageException("Java writes no " + Encoding.name(transcode.target));
            }
            Payload payload = transcode.state == ValueState.STORED
                    ? Payload.stored(transcode.encoding, session.store().kept(
                            transcode.location.segment(), transcode.segmentPath, transcode.location))
                    : Payload.inBody(transcode.encoding, transcode.layout, body, 0, transcode.length);
            Object value = session.reader().decode(payload, null);
            EncodedValue encoded = Values.encodePortable(value, session.references());
            Transcoded done = new Transcoded();
            done.request = transcode.request;
            done.encoding = encoded.encoding();
            if (encoded.inlineSize() > session.inlineBytesMax()) {
                StoreClient.Extent extent = session.store().write(encoded);
                done.state = ValueState.STORED;
                done.location = new Location(
                        extent.grant().segment, 0, extent.grant().offset, encoded.imageSize());
                done.extent = extent.grant().extent;
                session.send(done);
            } else {
                Payload inline = encoded.inline();
                done.state = ValueState.INLINE;
                done.layout = inline.layout();
                done.length = inline.size();
                session.queue(Frame.encode(done, inline.data()));
                session.reactor().flush();
            }
            Reference.reachabilityFence(value);
        } catch (BowstringException error) {
            fail(transcode, error);
        } catch (Throwable error) { // user code reads its objects: whatever it throws, the asker hears of it
            fail(transcode, Worker.internal("a value can't be transcoded", error));
        }
    }

    private void fail(Transcode transcode, BowstringException error) {
        Failure failure = new Failure();
        failure.request = transcode.request;
        failure.error = ErrorRecords.of(error);
        session.send(failure);
    }
}
