import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Regions are names that clients choose, so a node keeps to those it was given.
@Suite struct RegionTests {
    @Test func aRegionThatTheNodeDoesNotHaveHasNoDefaultBus() {
        var settings = RouterSettings()
        settings.regions = ["us-east-1"]
        let scene = RouterScene(settings: settings)
        #expect(scene.router.catalog.state.bus(scene.bus()) != nil)
        let invented = scene.bus("default", region: "nowhere-1")
        #expect(scene.router.catalog.state.bus(invented) == nil)
        for number in 0..<100 {
            scene.put("s", bus: "arn:aws:events:made-up-\(number):111122223333:event-bus/default")
        }
        #expect(scene.router.books.isEmpty)
        #expect(scene.router.statistics.unknownBus == 100)
    }
}
