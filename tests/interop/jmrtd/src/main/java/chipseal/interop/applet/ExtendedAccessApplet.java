package chipseal.interop.applet;

/**
 * A passport applet with Terminal Authentication for DG3 and DG4, with short EF identifiers, and
 * with command chaining, in which it is also given its trust point (PUT DATA 0164).
 */
public final class ExtendedAccessApplet extends PassportApplet {
  private ExtendedAccessApplet() {
    super(true);
  }

  public static void install(byte[] parameters, short offset, byte length) {
    new ExtendedAccessApplet().register();
  }
}
