package io.bowstring.internal.runtime;

import io.bowstring.RuntimeLink;
import io.bowstring.RuntimeProvider;
import io.bowstring.internal.call.StartOptions;

/** What {@code Bowstring.init()} finds: drivers of this machine's runtime. */
public final class DriverProvider implements RuntimeProvider {
    @Override
    public RuntimeLink start(StartOptions options) {
        Driver driver = Driver.start(options);
        return new SessionLink(driver.session(), driver::close, driver::progress);
    }
}
